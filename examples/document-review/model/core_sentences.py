"""The sentences that carry a clause's meaning, one maker per clause type, with the right answers.

Pure: the same `random.Random` gives the same sentences. `clauses.py` dresses them and sorts the
held-out ones from the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

APPROVED_LAWS: Final = (
    "England and Wales", "Scotland", "Ireland", "Germany", "France", "the Netherlands",
    "Sweden", "New York", "Delaware", "Ontario",
)  # fmt: skip
OTHER_LAWS: Final = (
    "Panama", "Bermuda", "Belize", "the Cayman Islands", "Seychelles", "Vanuatu",
    "the Marshall Islands", "Samoa",
)  # fmt: skip

_ONES: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS: Final = (
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The sentence that carries a clause's meaning, before numbering and neutral sentences."""

    text: str
    summary: str
    item: str | None = None
    reason: str = ""
    numbers: tuple[int, ...] = ()


def words_of(number: int) -> str:
    """The English words of a number from 0 to 199."""
    if number < len(_ONES):
        return _ONES[number]
    if number >= 100:
        rest = number - 100
        return "one hundred" + (f" and {words_of(rest)}" if rest else "")
    tens, ones = divmod(number, 10)
    return _TENS[tens] + (f"-{_ONES[ones]}" if ones else "")


def _number(rng: Random, value: int) -> str:
    return f"{words_of(value)} ({value})" if rng.random() < 0.25 else str(value)


def _count(number: int | str, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _confidentiality(rng: Random, buyer: str, seller: str) -> Core:
    years = rng.choice((1, 2)) if rng.random() < 0.5 else rng.randint(3, 12)
    span = f"{_number(rng, years)} year{'' if years == 1 else 's'}"
    who, text = rng.choice(
        (
            (
                "Both parties",
                (
                    f"The {buyer} and the {seller} shall keep all Confidential Information secret"
                    f" for {span} after this Agreement ends."
                ),
            ),
            (
                "Both parties",
                (
                    "Each party must hold the other's confidential information in confidence"
                    f" during the term and for {span} thereafter."
                ),
            ),
            (
                f"The {seller}",
                (
                    f"The {seller} shall not disclose the {buyer}'s trade secrets or business data"
                    f" to anyone for a period of {span} following termination."
                ),
            ),
            (
                f"The {buyer}",
                (
                    f"Information marked confidential may not be shared by the {buyer} with third"
                    f" parties until {span} after the end of the contract."
                ),
            ),
        )
    )
    return Core(
        text=text,
        summary=f"{who} must keep information secret for {_count(years, 'year')} after the end.",
        item="CONF-1" if years < 3 else None,
        reason=f"it ends after {_count(years, 'year')}",
        numbers=(years,),
    )


def _unlimited_liability(rng: Random, buyer: str, seller: str) -> Core:
    who, other = rng.choice(((buyer, seller), (seller, buyer)))
    text = rng.choice(
        (
            f"The {who} shall be liable for all losses of the {other} without any limit.",
            (
                f"Nothing in this Agreement limits the liability of the {who} for the damage it"
                f" causes to the {other}."
            ),
            f"The {who} accepts unlimited liability for every claim arising out of this Agreement.",
            (
                f"The {who} bears full liability for all direct and indirect damage, and no cap"
                " applies."
            ),
            f"No limitation of liability applies to the {who} in respect of any claim.",
        )
    )
    return Core(
        text=text,
        summary=f"The {who}'s liability is unlimited.",
        item="LIAB-1",
        reason="no cap is set",
    )


def _liability(rng: Random, buyer: str, seller: str) -> Core:
    if rng.random() < 0.3:
        return _unlimited_liability(rng, buyer, seller)
    months = rng.randint(1, 11) if rng.random() < 0.4 else rng.randint(12, 48)
    span = f"{_number(rng, months)} month{'' if months == 1 else 's'}"
    who, other = rng.choice(((buyer, seller), (seller, buyer)))
    text = rng.choice(
        (
            (
                f"The {who}'s total liability under this Agreement is limited to the fees of the"
                f" {span} before the claim."
            ),
            (
                f"In no event shall the aggregate liability of the {who} to the {other} exceed the"
                f" charges for {span}."
            ),
            (
                f"The liability of the {who}, whether in contract or tort, is capped at {span} of"
                " fees."
            ),
            (
                f"The {other} may not recover from the {who} more than an amount equal to {span}"
                " of charges, whatever the cause of the claim."
            ),
        )
    )
    return Core(
        text=text,
        summary=f"The {who}'s liability is capped at {_count(months, 'month')} of fees.",
        item="LIAB-2" if months < 12 else None,
        reason=f"the cap is {_count(months, 'month')}",
        numbers=(months,),
    )


def _immediate_termination(rng: Random, who: str) -> Core:
    inner = who[0].lower() + who[1:]
    text = rng.choice(
        (
            f"{who} may terminate this Agreement at any time with immediate effect.",
            f"{who} is entitled to end this contract at once and without prior notice.",
            (f"This Agreement may be cancelled by {inner} without notice and for any reason."),
        )
    )
    return Core(
        text=text,
        summary=f"{who} may end the agreement without notice.",
        item="TERM-1",
        reason="no notice is given",
    )


def _termination(rng: Random, buyer: str, seller: str) -> Core:
    who = rng.choice(("Either party", f"The {buyer}", f"The {seller}"))
    if rng.random() < 0.15:
        return _immediate_termination(rng, who)
    days = rng.randint(2, 29) if rng.random() < 0.45 else rng.randint(30, 120)
    span = _number(rng, days)
    inner = who[0].lower() + who[1:]
    text = rng.choice(
        (
            f"{who} may terminate this Agreement by giving {span} days' written notice.",
            f"{who} may end this contract at any time upon notice of not less than {span} days.",
            f"This Agreement may be cancelled by {inner} on {span} days' notice in writing.",
            (
                f"{who} is entitled to terminate for convenience, provided that the decision is"
                f" announced {span} days in advance."
            ),
        )
    )
    return Core(
        text=text,
        summary=f"{who} may end the agreement with {days} days' notice.",
        item="TERM-1" if days < 30 else None,
        reason=f"it is {days} days",
        numbers=(days,),
    )


def _payment(rng: Random, buyer: str, seller: str) -> Core:
    broken = rng.choice(("PAY-1", "PAY-2", None, None))
    days = rng.randint(3, 29) if broken == "PAY-1" else rng.randint(30, 120)
    text = rng.choice(
        (
            (
                f"The {buyer} shall pay each invoice of the {seller} within {_number(rng, days)}"
                " days of receipt."
            ),
            (
                f"Invoices issued to the {buyer} are payable within {_number(rng, days)} days of"
                " their date."
            ),
            (
                f"All undisputed charges fall due for payment by the {buyer} {_number(rng, days)}"
                " days after the invoice date."
            ),
        )
    )
    summary = f"The {buyer} pays invoices within {days} days"
    if broken != "PAY-2" and rng.random() < 0.5:
        reason = f"the term is {days} days"
        return Core(text=text, summary=f"{summary}.", item=broken, reason=reason, numbers=(days,))
    rate = rng.randint(9, 24) if broken == "PAY-2" else rng.randint(1, 8)
    interest = rng.choice(
        (
            f" Late payments bear interest at {rate}% per year.",
            f" Overdue sums accrue interest of {_number(rng, rate)} percent a year.",
            f" If payment is late, the {seller} may charge {rate}% annual interest.",
        )
    )
    return Core(
        text=text + interest,
        summary=f"{summary} and late sums bear {rate}% interest.",
        item=broken,
        reason=f"the rate is {rate}%" if broken == "PAY-2" else f"the term is {days} days",
        numbers=(days, rate),
    )


def _sub_processors(rng: Random, buyer: str, seller: str) -> Core:
    if rng.random() < 0.5:
        text = rng.choice(
            (
                (
                    f"The {seller} may appoint sub-processors of personal data without asking the"
                    f" {buyer}."
                ),
                (
                    f"Personal data of the {buyer} may be passed to sub-processors at the"
                    f" {seller}'s sole discretion."
                ),
                (
                    f"The {seller} is free to engage any sub-processor for personal data and need"
                    f" not inform the {buyer}."
                ),
            )
        )
        summary = f"The {seller} may use sub-processors without the {buyer}'s consent."
        return Core(text=text, summary=summary, item="DATA-2", reason="no consent is needed")
    text = rng.choice(
        (
            (
                f"The {seller} may appoint sub-processors of personal data only with the {buyer}'s"
                " prior written consent."
            ),
            (
                f"Personal data of the {buyer} may not be passed to a sub-processor unless the"
                f" {buyer} has agreed in writing."
            ),
            (
                f"The {seller} shall not engage a sub-processor for personal data without written"
                f" approval of the {buyer}."
            ),
        )
    )
    return Core(
        text=text, summary=f"The {seller} may use sub-processors with the {buyer}'s consent only."
    )


def _data_protection(rng: Random, buyer: str, seller: str) -> Core:
    if rng.random() < 0.5:
        return _sub_processors(rng, buyer, seller)
    hours = rng.randint(73, 160) if rng.random() < 0.5 else rng.randint(6, 72)
    span = _number(rng, hours)
    text = rng.choice(
        (
            (
                f"The {seller} shall notify the {buyer} of any personal data breach within {span}"
                " hours of becoming aware of it."
            ),
            (
                f"Security incidents affecting personal data must be reported by the {seller} to"
                f" the {buyer} no later than {span} hours after discovery."
            ),
            (
                f"If personal data is lost or disclosed, the {seller} informs the {buyer} in"
                f" {span} hours at the latest."
            ),
        )
    )
    return Core(
        text=text,
        summary=f"The {seller} must report data breaches to the {buyer} within {hours} hours.",
        item="DATA-1" if hours > 72 else None,
        reason=f"the limit is {hours} hours",
        numbers=(hours,),
    )


def _governing_law(rng: Random, buyer: str, seller: str) -> Core:
    is_approved = rng.random() < 0.5
    place = rng.choice(APPROVED_LAWS if is_approved else OTHER_LAWS)
    text = rng.choice(
        (
            f"This Agreement is governed by the laws of {place}.",
            f"This contract shall be construed in accordance with the law of {place}.",
            f"The law of {place} applies to every dispute between the {buyer} and the {seller}.",
            (
                f"Any dispute is settled under the law of {place}, whose courts have jurisdiction"
                f" over the {buyer} and the {seller}."
            ),
        )
    )
    return Core(
        text=text,
        summary=f"The law of {place} governs the agreement.",
        item=None if is_approved else "LAW-1",
        reason=f"{place} is not on it",
    )


def _intellectual_property(rng: Random, buyer: str, seller: str) -> Core:
    owner, other = (buyer, seller) if rng.random() < 0.5 else (seller, buyer)
    text = rng.choice(
        (
            f"All intellectual property in the deliverables vests in the {owner} upon creation.",
            (
                f"The {owner} owns all copyright and patents in the work product, and the {other}"
                " has no claim to them."
            ),
            (
                f"Title to the software written under this Agreement belongs to the {owner}; the"
                f" {other} receives only a licence to use it."
            ),
            (
                f"The {other} hereby transfers to the {owner} every right in the designs and"
                " inventions made under this contract."
            ),
        )
    )
    return Core(
        text=text,
        summary=f"The {owner} owns the rights in the deliverables.",
        item=None if owner == buyer else "IP-1",
        reason=f"the {seller} owns them",
    )


def _assignment(rng: Random, buyer: str, seller: str) -> Core:
    who, other = rng.choice(((buyer, seller), (seller, buyer)))
    if rng.random() < 0.5:
        text = rng.choice(
            (
                (
                    f"The {who} may assign this Agreement to any third party without the consent"
                    f" of the {other}."
                ),
                (
                    f"The {who} is free to transfer its rights and duties to another company"
                    f" without asking the {other}."
                ),
                f"The {who} can novate this contract to an affiliate at its sole discretion.",
            )
        )
        summary = f"The {who} may transfer the agreement without consent."
        return Core(text=text, summary=summary, item="ASG-1", reason="no consent is needed")
    text = rng.choice(
        (
            (
                f"The {who} may not assign this Agreement without the prior written consent of the"
                f" {other}."
            ),
            (
                f"The {who} shall transfer its rights and duties to another company only if the"
                f" {other} agrees in writing."
            ),
            (
                f"No novation of this contract by the {who} is valid unless the {other} has given"
                " written approval."
            ),
        )
    )
    return Core(text=text, summary=f"The {who} may transfer the agreement with consent only.")


def _warranty(rng: Random, buyer: str, seller: str) -> Core:
    if rng.random() < 0.2:
        text = rng.choice(
            (
                f"The {seller} delivers the goods as is and gives no warranty of any kind.",
                f"All warranties of the {seller}, express or implied, are excluded.",
                (
                    f"The {buyer} accepts the product in its present state, without warranty by"
                    f" the {seller}."
                ),
            )
        )
        summary = f"The {seller} gives no warranty."
        return Core(text=text, summary=summary, item="WAR-1", reason="no warranty is given")
    months = rng.randint(1, 11) if rng.random() < 0.4 else rng.randint(12, 48)
    span = f"{_number(rng, months)} month{'' if months == 1 else 's'}"
    text = rng.choice(
        (
            (
                f"The {seller} warrants that the goods will be free from defects for {span} after"
                " delivery."
            ),
            (
                f"Defects that the {buyer} reports within {span} of acceptance are repaired by the"
                f" {seller} at no charge."
            ),
            (
                f"For {span} from delivery the {seller} guarantees that the product meets its"
                " specification."
            ),
        )
    )
    return Core(
        text=text,
        summary=f"The {seller} gives a warranty of {_count(months, 'month')}.",
        item="WAR-1" if months < 12 else None,
        reason=f"it is {_count(months, 'month')}",
        numbers=(months,),
    )


MAKERS: Final[dict[str, Callable[[Random, str, str], Core]]] = {
    "confidentiality": _confidentiality,
    "liability": _liability,
    "termination": _termination,
    "payment": _payment,
    "data-protection": _data_protection,
    "governing-law": _governing_law,
    "intellectual-property": _intellectual_property,
    "assignment": _assignment,
    "warranty": _warranty,
}
