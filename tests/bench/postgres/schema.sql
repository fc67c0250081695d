-- What a careful team would build on PostgreSQL 15 for the same transfers: accounts, blocks of serials that are split oldest
-- first, postings, a hash chain over everything, and a request id that can be used once. One function is one transfer.

CREATE TABLE accounts (
  account_id integer PRIMARY KEY,
  handle     text NOT NULL UNIQUE,
  state      text NOT NULL DEFAULT 'ACTIVE' CHECK (state IN ('ACTIVE', 'FROZEN', 'CLOSED'))
);

CREATE TABLE blocks (
  lot_id       integer NOT NULL,
  first_serial bigint NOT NULL,
  last_serial  bigint NOT NULL CHECK (last_serial >= first_serial),
  account_id   integer NOT NULL REFERENCES accounts,
  PRIMARY KEY (lot_id, first_serial)
);
CREATE INDEX blocks_oldest_first ON blocks (account_id, lot_id, first_serial);

CREATE TABLE transfers (
  request_id   uuid PRIMARY KEY,
  sequence     bigint NOT NULL,
  from_account integer NOT NULL REFERENCES accounts,
  to_account   integer NOT NULL REFERENCES accounts,
  tonnes       bigint NOT NULL CHECK (tonnes > 0),
  recorded_at  timestamptz NOT NULL
);

CREATE TABLE postings (
  sequence     bigint NOT NULL,
  line         smallint NOT NULL,
  account_id   integer NOT NULL,
  lot_id       integer NOT NULL,
  first_serial bigint NOT NULL,
  last_serial  bigint NOT NULL,
  tonnes       bigint NOT NULL,  -- negative for the sender
  PRIMARY KEY (sequence, line)
);

CREATE TABLE ledger (
  sequence      bigint PRIMARY KEY,
  previous_hash bytea NOT NULL,
  body          text NOT NULL,
  hash          bytea NOT NULL  -- sha256(previous_hash || body)
);

CREATE TABLE chain_head (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  sequence bigint NOT NULL,
  hash     bytea NOT NULL
);
INSERT INTO chain_head (sequence, hash) VALUES (0, sha256(''));

-- Moves `p_tonnes` of the oldest units of an account. Writes the postings and returns what the
-- chain's body says of them.
CREATE FUNCTION move_units(p_sequence bigint, p_from integer, p_to integer, p_tonnes bigint) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  v_block blocks%ROWTYPE;
  v_left bigint := p_tonnes;
  v_take bigint;
  v_line smallint := 0;
  v_ranges text := '';
BEGIN
  LOOP
    SELECT * INTO v_block FROM blocks WHERE account_id = p_from ORDER BY lot_id, first_serial LIMIT 1 FOR UPDATE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'UNITS_NOT_HELD: % of % t are missing', v_left, p_tonnes;
    END IF;
    v_take := least(v_left, v_block.last_serial - v_block.first_serial + 1);
    IF v_take = v_block.last_serial - v_block.first_serial + 1 THEN
      UPDATE blocks SET account_id = p_to
        WHERE lot_id = v_block.lot_id AND first_serial = v_block.first_serial;
    ELSE
      UPDATE blocks SET first_serial = first_serial + v_take
        WHERE lot_id = v_block.lot_id AND first_serial = v_block.first_serial;
      INSERT INTO blocks VALUES (v_block.lot_id, v_block.first_serial, v_block.first_serial + v_take - 1, p_to);
    END IF;
    INSERT INTO postings VALUES
      (p_sequence, v_line, p_from, v_block.lot_id, v_block.first_serial, v_block.first_serial + v_take - 1, -v_take),
      (p_sequence, v_line + 1, p_to, v_block.lot_id, v_block.first_serial, v_block.first_serial + v_take - 1, v_take);
    v_ranges := v_ranges || format(' %s:%s-%s', v_block.lot_id, v_block.first_serial, v_block.first_serial + v_take - 1);
    v_line := v_line + 2;
    v_left := v_left - v_take;
    EXIT WHEN v_left = 0;
  END LOOP;
  RETURN v_ranges;
END $$;

CREATE FUNCTION check_accounts(p_from integer, p_to integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_state text;
BEGIN
  IF p_from = p_to THEN
    RAISE EXCEPTION 'FIELD_INVALID: both accounts are the same';
  END IF;
  SELECT state INTO v_state FROM accounts WHERE account_id = p_from;
  IF v_state IS DISTINCT FROM 'ACTIVE' THEN
    RAISE EXCEPTION 'ACCOUNT_NOT_ACTIVE: %', p_from;
  END IF;
  SELECT state INTO v_state FROM accounts WHERE account_id = p_to;
  IF v_state IS NULL OR v_state = 'CLOSED' THEN
    RAISE EXCEPTION 'ACCOUNT_NOT_ACTIVE: %', p_to;
  END IF;
END $$;

-- (g1) One transfer. Returns its sequence; a request seen before gets its first answer.
CREATE FUNCTION transfer(p_request uuid, p_from integer, p_to integer, p_tonnes bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_sequence bigint;
  v_previous bytea;
  v_body text;
  v_hash bytea;
BEGIN
  SELECT sequence INTO v_sequence FROM transfers WHERE request_id = p_request;
  IF FOUND THEN
    RETURN v_sequence;
  END IF;
  PERFORM check_accounts(p_from, p_to);
  -- The chain is one: whoever holds its head is next.
  SELECT sequence + 1, hash INTO v_sequence, v_previous FROM chain_head FOR UPDATE;
  v_body := format('%s %s %s %s %s%s', v_sequence, p_request, p_from, p_to, p_tonnes,
                   move_units(v_sequence, p_from, p_to, p_tonnes));
  v_hash := sha256(v_previous || convert_to(v_body, 'UTF8'));
  INSERT INTO transfers VALUES (p_request, v_sequence, p_from, p_to, p_tonnes, clock_timestamp());
  INSERT INTO ledger VALUES (v_sequence, v_previous, v_body, v_hash);
  UPDATE chain_head SET sequence = v_sequence, hash = v_hash;
  RETURN v_sequence;
END $$;

-- (g2) Many transfers in one transaction: all or none. The head is read and written once, the rows that nobody reads
-- meanwhile go in together.
CREATE FUNCTION transfer_many(p_requests uuid[], p_from integer[], p_to integer[], p_tonnes bigint[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_sequence bigint;
  v_hash bytea;
  v_body text;
  v_sequences bigint[] := '{}';
  v_previouses bytea[] := '{}';
  v_bodies text[] := '{}';
  v_hashes bytea[] := '{}';
BEGIN
  SELECT sequence, hash INTO v_sequence, v_hash FROM chain_head FOR UPDATE;
  FOR i IN 1 .. array_length(p_requests, 1) LOOP
    PERFORM check_accounts(p_from[i], p_to[i]);
    v_sequence := v_sequence + 1;
    v_body := format('%s %s %s %s %s%s', v_sequence, p_requests[i], p_from[i], p_to[i], p_tonnes[i],
                     move_units(v_sequence, p_from[i], p_to[i], p_tonnes[i]));
    v_sequences[i] := v_sequence;
    v_previouses[i] := v_hash;
    v_bodies[i] := v_body;
    v_hash := sha256(v_hash || convert_to(v_body, 'UTF8'));
    v_hashes[i] := v_hash;
  END LOOP;
  INSERT INTO transfers
    SELECT r, s, f, t, n, clock_timestamp()
    FROM unnest(p_requests, v_sequences, p_from, p_to, p_tonnes) AS u (r, s, f, t, n);
  INSERT INTO ledger SELECT * FROM unnest(v_sequences, v_previouses, v_bodies, v_hashes);
  UPDATE chain_head SET sequence = v_sequence, hash = v_hash;
  RETURN v_sequence;
END $$;

-- A bundle as a client would bring it: random sellers, buyers and amounts.
CREATE FUNCTION bench_many(p_accounts integer, p_count integer) RETURNS bigint
LANGUAGE sql AS $$
  SELECT transfer_many(array_agg(gen_random_uuid()), array_agg(1 + floor(random() * p_accounts)::integer),
                       array_agg(p_accounts + 1 + floor(random() * p_accounts)::integer),
                       array_agg(1 + floor(random() * 10)::bigint))
  FROM generate_series(1, p_count)
$$;
