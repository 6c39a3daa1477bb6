"""What a proof ends in: verdicts, certificates, and rows that break a goal."""
