"""Is every unit where both sides say it is? Comparing, diagnosing, repairing, rebuilding."""
