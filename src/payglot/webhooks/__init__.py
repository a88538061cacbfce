"""From event to delivered: fan-out, delivery, retry schedule, safe HTTP client."""
