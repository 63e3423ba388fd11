"""Screens: the only home of streamlit. Importing a page draws nothing."""
