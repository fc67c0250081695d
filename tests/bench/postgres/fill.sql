-- psql -v accounts=1000 -v blocks=100000: blocks of 1,000 t, ten lots, neighbours in different accounts. As many accounts again
-- buy: what was bought is not sold again, so each transfer splits one block, as in the registry's benchmark.
INSERT INTO accounts SELECT i, md5(i::text) FROM generate_series(1, 2 * :accounts) AS i;
INSERT INTO blocks
  SELECT i / (:blocks / 10), (i % (:blocks / 10)) * 1000 + 1, (i % (:blocks / 10) + 1) * 1000, 1 + i % :accounts
  FROM generate_series(0, :blocks - 1) AS i;
ANALYZE;
CHECKPOINT;
