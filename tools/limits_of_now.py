"""What the bounds of the console's Now and Architecture are for: read by generate_limits_reference.py."""

NOW = {
    "app.architecture_desk:TEXT_CHARACTERS_MAX": "Characters of a blueprint up to which findings have a line.",
    "faces.api.architecture:FINDINGS_MAX": "Findings of one answer, open and waived.",
    "faces.api.architecture:PART_CHARACTERS_MAX": "Characters of a part's name in `/api/blast`.",
    "faces.web.architecture.routes:OPENED_MAX": "Boxes that one address may unfold on the architecture's map.",
    "faces.web.architecture.routes:PARTS_MAX": "Parts that its form offers to let fail.",
    "faces.web.architecture.routes:WORDS_MAX": "Characters of one word in an address of the architecture's page.",
    "faces.web.architecture.views:DRIFT_MAX": "Differences that the architecture's page lists.",
    "faces.web.architecture.views:FINDINGS_MAX": "Findings that it spells out.",
    "faces.web.architecture.views:HIT_MAX": "Parts that a failure hits, listed with their way.",
    "faces.web.architecture.views:MISSING_MAX": "Missing facts that it names.",
    "faces.web.chart.plans:PLANS_MAX": "Layouts of maps that are kept, for each of the two pages.",
    "faces.web.chart.straying:GHOSTS_MAX": "Parties that the blueprint does not know, drawn on one map.",
    "faces.web.now.asking:OPENED_MAX": "Boxes that one address may unfold on the map of Now.",
    "faces.web.now.asking:WORDS_MAX": "Characters of one word in an address of Now.",
    "faces.web.now.composing:LISTED_MAX": "Nodes that the search box suggests.",
    "faces.web.now.composing:MATCHES_MAX": "Nodes that a search lists.",
    "faces.web.now.routes:MINUTES_MAX": "The last minute that the slider can name, from 1970 on.",
    "faces.web.now.strip:MOMENTS_MAX": "Moments told beside a minute of the past.",
    "faces.web.now.verdict:NAMED_MAX": "Things that one reason of the verdict names.",
}
