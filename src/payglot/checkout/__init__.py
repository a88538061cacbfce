"""The page the payer sees: choose, pay, and learn the truth about it, in any browser.

Renders what a dialect's flow (`web.flow`) gives and knows no provider. `addresses` says who may see which page, `forms`
what is believed of what browsers send, `standing` and `states` what is said when.
"""

from payglot.checkout.entrance import build

__all__ = ["build"]
