-- Databases and tables. Safe to run again on a server that has them already.

CREATE DATABASE IF NOT EXISTS interceptor CHARACTER SET utf8mb4;

CREATE TABLE IF NOT EXISTS interceptor.connections (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    time DATETIME(6) NOT NULL COMMENT 'when the packet was seen, UTC',
    host VARCHAR(255) NOT NULL COMMENT 'the destination',
    port SMALLINT UNSIGNED NOT NULL COMMENT 'the destination',
    INDEX connections_host (host)
);

-- One row for each run of the interceptor; a batch of connections and its number here are
-- written in one transaction, so that a batch which is sent again is recognised.
CREATE TABLE IF NOT EXISTS interceptor.captures (
    id CHAR(36) CHARACTER SET ascii NOT NULL PRIMARY KEY,
    started DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) COMMENT 'first batch, UTC',
    batches BIGINT UNSIGNED NOT NULL COMMENT 'number of the last batch'
);

CREATE DATABASE IF NOT EXISTS esnet CHARACTER SET utf8mb4;

-- One row for each period in which an interface was there. Times are epoch milliseconds;
-- status is "1" while the interface is there and "0" once it is gone; active_until is then
-- when it was last seen. The other *_until are how far each type of measurement is read.
CREATE TABLE IF NOT EXISTS esnet.esnet_interfaces (
    id INT NOT NULL AUTO_INCREMENT,
    name VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'the resource',
    status VARCHAR(2) NOT NULL,
    active_from VARCHAR(13) NOT NULL,
    active_until VARCHAR(13) NULL,
    errors_until VARCHAR(13) NULL,
    discards_until VARCHAR(13) NULL,
    traffic_until VARCHAR(13) NULL,
    last_seen VARCHAR(13) NULL,
    active_name VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
        AS (IF(status = '1', name, NULL)) STORED COMMENT 'unique: one open row an interface',
    PRIMARY KEY (id, name),
    UNIQUE KEY esnet_interfaces_active_name (active_name)
);
