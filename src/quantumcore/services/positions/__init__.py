"""The positions room: what each account holds of each instrument, what it cost and what it made."""
