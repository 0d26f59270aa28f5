"""The only code that uses Streamlit, besides server.py, app.py and pages/."""
