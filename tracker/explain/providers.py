"""What large receivers say, in wordings that are theirs alone."""

from tracker.explain.category import Category
from tracker.explain.rules import Rule

_MICROSOFT = "Microsoft: Email non-delivery reports and SMTP errors for Exchange Online"

PROVIDERS: tuple[Rule, ...] = (
    Rule(
        "microsoft:recipient-not-found",
        Category.ADDRESS_UNKNOWN,
        r"RESOLVER\.ADR\.(?:Recip|ExRecip)\w*NotFound",
        example="RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
        source=_MICROSOFT,
    ),
)
