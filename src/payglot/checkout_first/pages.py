"""The checkout's templates and assets."""

from payglot.web.pages import Pages

pages = Pages("payglot.checkout_first", "/pay/assets/")
