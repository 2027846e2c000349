"""Tools that work with the services of others: code hosts, trackers, clouds."""
