"""Screens: the only home of streamlit and plotly. Importing a page draws nothing."""
