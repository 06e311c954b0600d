"""What many messages together say: dashboards, destinations, failures on our side."""
