BEGIN TRANSACTION;
CREATE TABLE access_log (
	id INTEGER NOT NULL, 
	ts BIGINT NOT NULL, 
	time TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	method TEXT NOT NULL, 
	route TEXT NOT NULL, 
	status SMALLINT NOT NULL, 
	duration_ms DOUBLE NOT NULL, 
	size BIGINT NOT NULL, 
	address TEXT NOT NULL, 
	correlation TEXT NOT NULL, 
	CONSTRAINT pk_access_log PRIMARY KEY (id)
);
CREATE TABLE alert_rules (
	id TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	state TEXT NOT NULL, 
	document TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	fired_at BIGINT NOT NULL, 
	fired_count INTEGER NOT NULL, 
	detail TEXT NOT NULL, 
	CONSTRAINT pk_alert_rules PRIMARY KEY (id)
);
CREATE TABLE announced (
	source TEXT NOT NULL, 
	lsn BIGINT NOT NULL, 
	CONSTRAINT pk_announced PRIMARY KEY (source)
);
CREATE TABLE api_keys (
	id TEXT NOT NULL, 
	user_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	environment TEXT NOT NULL, 
	digest BLOB NOT NULL, 
	scopes TEXT NOT NULL, 
	networks TEXT NOT NULL, 
	symbols TEXT NOT NULL, 
	max_notional TEXT, 
	is_unattended BOOLEAN NOT NULL, 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	last_used_at BIGINT NOT NULL, 
	revoked_at BIGINT NOT NULL, 
	CONSTRAINT pk_api_keys PRIMARY KEY (id), 
	CONSTRAINT fk_api_keys_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE TABLE audit (
	seq INTEGER NOT NULL, 
	ts BIGINT NOT NULL, 
	time TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	user_id TEXT NOT NULL, 
	session TEXT NOT NULL, 
	address TEXT NOT NULL, 
	action TEXT NOT NULL, 
	request TEXT NOT NULL, 
	result TEXT NOT NULL, 
	code TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	correlation TEXT NOT NULL, 
	hash BLOB NOT NULL, 
	CONSTRAINT pk_audit PRIMARY KEY (seq)
);
INSERT INTO "audit" VALUES(1,1767225600000000000,'2026-01-01T00:00:00.000000000Z','person:alice','u1','s1','127.0.0.1','orders.place','{"quantity":"0.01"}','done','','','c0',X'61B5D0760C3ABCFE9C03C91910FA4E20C160AA00B2200A9BF04C71F0302D26B0');
INSERT INTO "audit" VALUES(2,1767225600000000000,'2026-01-01T00:00:00.000000000Z','person:alice','u1','s1','127.0.0.1','orders.place','{"quantity":"0.01"}','done','','','c1',X'45E89912E1FC7CBB906031B73BED31CF45DBA54B3A64DB6B984F5A2AF009AA81');
INSERT INTO "audit" VALUES(3,1767225600000000000,'2026-01-01T00:00:00.000000000Z','person:alice','u1','s1','127.0.0.1','orders.place','{"quantity":"0.01"}','done','','','c2',X'B5BBAE49E9198236A4AE77898C1CADE603BA4E437195965FD6F3A46AAE494443');
CREATE TABLE audit_head (
	id SMALLINT NOT NULL, 
	seq BIGINT NOT NULL, 
	hash BLOB NOT NULL, 
	CONSTRAINT pk_audit_head PRIMARY KEY (id)
);
INSERT INTO "audit_head" VALUES(1,3,X'B5BBAE49E9198236A4AE77898C1CADE603BA4E437195965FD6F3A46AAE494443');
CREATE TABLE control_info (
	id SMALLINT NOT NULL, 
	written_by TEXT NOT NULL, 
	CONSTRAINT pk_control_info PRIMARY KEY (id)
);
INSERT INTO "control_info" VALUES(1,'0.1.0');
CREATE TABLE control_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT control_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "control_version" VALUES('0002');
CREATE TABLE desired_limits (
	account TEXT NOT NULL, 
	id TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	author TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	document TEXT NOT NULL, 
	note TEXT NOT NULL, 
	is_deleted BOOLEAN NOT NULL, 
	undo_of INTEGER, 
	CONSTRAINT pk_desired_limits PRIMARY KEY (account, id, version)
);
CREATE TABLE invitations (
	id TEXT NOT NULL, 
	digest BLOB NOT NULL, 
	role TEXT NOT NULL, 
	note TEXT NOT NULL, 
	made_by TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	used_at BIGINT NOT NULL, 
	used_by TEXT NOT NULL, 
	revoked_at BIGINT NOT NULL, 
	CONSTRAINT pk_invitations PRIMARY KEY (id), 
	CONSTRAINT uq_invitations_digest UNIQUE (digest)
);
CREATE TABLE job_log (
	job_id TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	line TEXT NOT NULL, 
	CONSTRAINT pk_job_log PRIMARY KEY (job_id, seq), 
	CONSTRAINT fk_job_log_job_id FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
);
CREATE TABLE jobs (
	id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	title TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	state TEXT NOT NULL, 
	request TEXT NOT NULL, 
	result TEXT, 
	done BIGINT NOT NULL, 
	total BIGINT NOT NULL, 
	attempts INTEGER NOT NULL, 
	created_at BIGINT NOT NULL, 
	started_at BIGINT NOT NULL, 
	ended_at BIGINT NOT NULL, 
	code TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	run_key TEXT, 
	CONSTRAINT pk_jobs PRIMARY KEY (id), 
	CONSTRAINT uq_jobs_run_key UNIQUE (run_key)
);
INSERT INTO "jobs" VALUES('job00001','backtest','a backtest','u1','queued','{"strategy":"rsi"}',NULL,0,0,0,1767225600000000000,0,0,'','',NULL);
CREATE TABLE notifications (
	id INTEGER NOT NULL, 
	user_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	severity TEXT NOT NULL, 
	code TEXT NOT NULL, 
	text TEXT NOT NULL, 
	link TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	read_at BIGINT NOT NULL, 
	CONSTRAINT pk_notifications PRIMARY KEY (id)
);
CREATE TABLE recovery_codes (
	user_id TEXT NOT NULL, 
	digest BLOB NOT NULL, 
	used_at BIGINT NOT NULL, 
	CONSTRAINT pk_recovery_codes PRIMARY KEY (user_id, digest), 
	CONSTRAINT fk_recovery_codes_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE TABLE refresh_tokens (
	digest BLOB NOT NULL, 
	session_id TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	used_at BIGINT NOT NULL, 
	CONSTRAINT pk_refresh_tokens PRIMARY KEY (digest), 
	CONSTRAINT fk_refresh_tokens_session_id FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE
);
INSERT INTO "refresh_tokens" VALUES(X'7474747474747474747474747474747474747474747474747474747474747474','s1',1767225600000000000,1767225600000000001,0);
CREATE TABLE repetitions (
	id TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	run TEXT NOT NULL, 
	answer BLOB, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_repetitions PRIMARY KEY (id)
);
CREATE TABLE report_notes (
	report TEXT NOT NULL, 
	id TEXT NOT NULL, 
	author TEXT NOT NULL, 
	text TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_report_notes PRIMARY KEY (report, id)
);
CREATE TABLE server_secrets (
	name TEXT NOT NULL, 
	sealed BLOB NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_server_secrets PRIMARY KEY (name)
);
CREATE TABLE sessions (
	id TEXT NOT NULL, 
	user_id TEXT NOT NULL, 
	is_staying BOOLEAN NOT NULL, 
	created_at BIGINT NOT NULL, 
	ends_at BIGINT NOT NULL, 
	idle_ends_at BIGINT NOT NULL, 
	seen_at BIGINT NOT NULL, 
	auth_time BIGINT NOT NULL, 
	methods TEXT NOT NULL, 
	address TEXT NOT NULL, 
	device TEXT NOT NULL, 
	revoked_at BIGINT NOT NULL, 
	revoked_why TEXT NOT NULL, 
	CONSTRAINT pk_sessions PRIMARY KEY (id), 
	CONSTRAINT fk_sessions_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "sessions" VALUES('s1','u1',0,1767225600000000000,2767225600000000000,2767225600000000000,1767225600000000000,1767225600,'["pwd"]','','',0,'');
CREATE TABLE settings_changes (
	seq INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	value TEXT, 
	author TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_settings_changes PRIMARY KEY (seq)
);
CREATE TABLE sign_in_links (
	digest BLOB NOT NULL, 
	purpose TEXT NOT NULL, 
	user_id TEXT NOT NULL, 
	made_by TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	used_at BIGINT NOT NULL, 
	CONSTRAINT pk_sign_in_links PRIMARY KEY (digest)
);
CREATE TABLE signing_keys (
	kid TEXT NOT NULL, 
	algorithm TEXT NOT NULL, 
	sealed BLOB NOT NULL, 
	created_at BIGINT NOT NULL, 
	signs_from BIGINT NOT NULL, 
	signs_until BIGINT NOT NULL, 
	CONSTRAINT pk_signing_keys PRIMARY KEY (kid)
);
CREATE TABLE strategy_versions (
	account TEXT NOT NULL, 
	id TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	author TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	document TEXT NOT NULL, 
	note TEXT NOT NULL, 
	is_deleted BOOLEAN NOT NULL, 
	undo_of INTEGER, 
	CONSTRAINT pk_strategy_versions PRIMARY KEY (account, id, version)
);
CREATE TABLE totp (
	user_id TEXT NOT NULL, 
	sealed BLOB NOT NULL, 
	is_confirmed BOOLEAN NOT NULL, 
	last_step BIGINT NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_totp PRIMARY KEY (user_id), 
	CONSTRAINT fk_totp_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE TABLE users (
	id TEXT NOT NULL, 
	username TEXT NOT NULL, 
	email TEXT NOT NULL, 
	password_hash TEXT NOT NULL, 
	role TEXT NOT NULL, 
	is_disabled BOOLEAN NOT NULL, 
	created_at BIGINT NOT NULL, 
	last_login BIGINT NOT NULL, 
	password_changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_users PRIMARY KEY (id), 
	CONSTRAINT uq_users_username UNIQUE (username)
);
INSERT INTO "users" VALUES('u1','alice','','$argon2id$','owner',0,1767225600000000000,0,0);
CREATE INDEX ix_sign_in_links_user_id ON sign_in_links (user_id);
CREATE INDEX ix_audit_action_seq ON audit (action, seq);
CREATE INDEX ix_audit_result_seq ON audit (result, seq);
CREATE INDEX ix_audit_correlation ON audit (correlation);
CREATE INDEX ix_audit_ts ON audit (ts);
CREATE INDEX ix_audit_actor_seq ON audit (actor, seq);
CREATE INDEX ix_repetitions_created_at ON repetitions (created_at);
CREATE INDEX ix_access_log_actor_id ON access_log (actor, id);
CREATE INDEX ix_access_log_route_id ON access_log (route, id);
CREATE INDEX ix_access_log_ts ON access_log (ts);
CREATE INDEX ix_access_log_status_id ON access_log (status, id);
CREATE INDEX ix_access_log_correlation ON access_log (correlation);
CREATE INDEX ix_settings_changes_name_seq ON settings_changes (name, seq);
CREATE INDEX ix_jobs_owner_created_at ON jobs (owner, created_at);
CREATE INDEX ix_jobs_created_at ON jobs (created_at);
CREATE INDEX ix_jobs_ended_at ON jobs (ended_at);
CREATE INDEX ix_alert_rules_state ON alert_rules (state);
CREATE INDEX ix_alert_rules_owner_created_at ON alert_rules (owner, created_at);
CREATE INDEX ix_notifications_user_id_id ON notifications (user_id, id);
CREATE INDEX ix_notifications_user_id_read_at_id ON notifications (user_id, read_at, id);
CREATE INDEX ix_sessions_user_id ON sessions (user_id);
CREATE INDEX ix_api_keys_user_id ON api_keys (user_id);
CREATE INDEX ix_refresh_tokens_session_id ON refresh_tokens (session_id);
CREATE TRIGGER audit_appends BEFORE INSERT ON audit
    WHEN NEW.seq <= (SELECT seq FROM audit_head WHERE id = 1)
      OR NEW.seq > (SELECT seq FROM audit_head WHERE id = 1) + 1
      AND NOT EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq - 1)
    BEGIN SELECT RAISE(ABORT, 'the audit takes the next entry only'); END;
CREATE TRIGGER audit_keeps BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'an audit entry is never changed'); END;
CREATE TRIGGER audit_stays BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'an audit entry is never deleted'); END;
CREATE TRIGGER audit_head_advances BEFORE UPDATE ON audit_head
    WHEN NEW.id <> OLD.id OR NEW.seq <= OLD.seq
      OR NOT EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq AND hash = NEW.hash)
    BEGIN SELECT RAISE(ABORT, 'the end of the audit moves on to an entry'); END;
CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
    BEGIN SELECT RAISE(ABORT, 'the end of the audit is never deleted'); END;
COMMIT;
