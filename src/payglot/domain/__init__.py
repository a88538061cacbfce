"""What a payment link is: money, link, payment, transfer, event, errors. Plain Python, no framework."""
