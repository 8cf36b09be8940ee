-- How the server is, in one row: connections of clients and how many there may be, the age of the
-- oldest transaction in seconds, the database's size in bytes, its deadlocks and its transactions
-- that were rolled back, replicas, and how many bytes the one that is furthest behind lacks. Figures
-- of other roles' sessions are missing unless ours is a member of pg_monitor.
SELECT
    activity.connections,
    current_setting('max_connections')::int,
    activity.oldest_seconds,
    pg_database_size(current_database()),
    statistics.deadlocks,
    statistics.xact_rollback,
    replication.replicas,
    replication.lag_bytes
FROM (
    SELECT
        count(*) AS connections,
        coalesce(extract(epoch FROM clock_timestamp() - min(xact_start)), 0)::float8
            AS oldest_seconds
    FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
) activity
CROSS JOIN (
    SELECT
        count(*) AS replicas,
        coalesce(max(CASE
            WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)
        END), 0)::float8 AS lag_bytes
    FROM pg_stat_replication
) replication
CROSS JOIN pg_stat_database statistics
WHERE statistics.datname = current_database()
