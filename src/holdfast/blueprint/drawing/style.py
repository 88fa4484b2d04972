"""How a map looks: on light and on dark, on screen and on paper."""

MAP_STYLE = (
    """
.holdfast-map { --surface: #ffffff; --ink: #17211e; --soft: #53625d; --edge: #7b8b85; --frame: #eef2ef;
  --accent: #0b6b5d; --alarm: #ad1f1f; --warning: #865200; --notice: #2a5fa5; --good: #1a7f45;
  --lost: #ad1f1f; --weak: #865200; --way: #7a3fb0; max-width: none; }
@media (prefers-color-scheme: dark) { .holdfast-map { --surface: #161e1b; --ink: #e4ebe7;
  --soft: #9aaaa4; --edge: #6c7d77; --frame: #121917; --accent: #62d3bb; --alarm: #ff928a;
  --warning: #f2bd62; --notice: #8fbcff; --good: #5fd38d; --lost: #ff928a; --weak: #f2bd62;
  --way: #c79bf2; } }
.holdfast-map text { font: 14px system-ui, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif;
  fill: var(--ink); }
.holdfast-map .type { font-size: 11.5px; fill: var(--soft); }
.holdfast-map .name { font-weight: 600; }
.holdfast-map .node rect { fill: var(--surface); stroke: var(--edge); stroke-width: 1.2; }
.holdfast-map .node.k-model > rect, .holdfast-map .node.k-agent > rect { stroke: var(--accent); }
.holdfast-map .node.k-actor > rect { stroke-dasharray: 4 3; }
.holdfast-map .node.folded > rect { stroke-width: 2.4; }
.holdfast-map .group > rect { fill: var(--frame); stroke: var(--edge); stroke-dasharray: 2 4; }
.holdfast-map .stroke { fill: none; stroke: var(--edge); stroke-width: 1.5; }
.holdfast-map .many .stroke { stroke-width: 2.4; }
.holdfast-map .reach { fill: none; stroke: transparent; stroke-width: 14; }
.holdfast-map .line polygon { fill: var(--edge); }
.holdfast-map .use .stroke { stroke-dasharray: 3 4; }
.holdfast-map .line:hover .stroke { stroke-width: 3; }
.holdfast-map a:focus-visible { outline: 2px solid var(--accent); }
.holdfast-map .badge text { fill: var(--surface); font-size: 12px; font-weight: 700;
  text-anchor: middle; }
.holdfast-map .badge rect { stroke: var(--surface); stroke-width: 2; }
"""
    + "".join(
        f""".holdfast-map .node.t-{tone} > rect, .holdfast-map .group.t-{tone} > rect {{
  stroke: var(--{tone}); stroke-width: 2.4; }}
.holdfast-map .t-{tone} .stroke {{ stroke: var(--{tone}); stroke-width: 2.6; }}
.holdfast-map .line.t-{tone} polygon, .holdfast-map .t-{tone} .badge rect {{ fill: var(--{tone}); }}
"""
        for tone in ("alarm", "warning", "notice", "good", "lost", "weak", "way")
    )
    + """.holdfast-map .t-lost > rect { fill: var(--lost); }
.holdfast-map .t-lost text { fill: var(--surface); }
.holdfast-map .t-weak > rect { stroke-dasharray: 7 4; }
.holdfast-map .t-quiet { opacity: 0.45; }
"""
)
