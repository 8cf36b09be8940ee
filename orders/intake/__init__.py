"""From a connection to a reservation: an order on its way in."""
