"""Webhooks: endpoints, their queues, and one signed call for each delivery."""
