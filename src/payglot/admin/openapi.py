"""What the operator's routes document alike."""

from payglot.admin import schemas
from payglot.web import openapi

FAILURES = {
    401: ("The admin token is missing or wrong", schemas.FailureBody),
    404: ("No such thing", schemas.FailureBody),
    409: ("Not in this state", schemas.FailureBody),
    422: ("The request is not valid", schemas.FailureBody),
    503: ("The database does not answer", schemas.FailureBody),
}
LISTING = (
    openapi.query("limit", "How many, 1 to 200", type="integer", minimum=1, maximum=200, default=50),
    openapi.query("cursor", "`next_cursor` of the page before"),
)
BY_MERCHANT = (openapi.query("merchant_id", "Only this merchant's", type="string", format="uuid"), *LISTING)
