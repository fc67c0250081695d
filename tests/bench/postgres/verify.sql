-- Fails unless every unit is still held once, the postings balance and the chain holds.
DO $$
DECLARE
  v_wrong bigint;
BEGIN
  SELECT count(*) INTO v_wrong FROM (
    SELECT lead(first_serial) OVER (PARTITION BY lot_id ORDER BY first_serial) - last_serial AS step FROM blocks) AS s
    WHERE step <> 1;
  IF v_wrong > 0 THEN RAISE EXCEPTION '% blocks overlap or leave a gap', v_wrong; END IF;
  SELECT count(*) INTO v_wrong FROM (SELECT sequence FROM postings GROUP BY sequence HAVING sum(tonnes) <> 0) AS p;
  IF v_wrong > 0 THEN RAISE EXCEPTION '% transfers do not balance', v_wrong; END IF;
  SELECT count(*) INTO v_wrong FROM (
    SELECT hash, previous_hash, body, lag(hash, 1, sha256('')) OVER (ORDER BY sequence) AS before FROM ledger) AS l
    WHERE previous_hash <> before OR hash <> sha256(previous_hash || convert_to(body, 'UTF8'));
  IF v_wrong > 0 THEN RAISE EXCEPTION '% links of the chain are broken', v_wrong; END IF;
END $$;
SELECT count(*) AS transfers FROM transfers;
