"""With app.py and pages/, the only code that knows Streamlit."""
