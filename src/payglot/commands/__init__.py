"""What an operator does from the command line beside a running server, by its API."""
