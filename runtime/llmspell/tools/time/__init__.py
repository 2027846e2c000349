"""Tools that know clocks and calendars."""
