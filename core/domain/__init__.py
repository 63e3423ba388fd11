"""The words of the field as records. No input or output here."""
