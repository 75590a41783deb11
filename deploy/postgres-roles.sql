-- Roles and databases of both services in PostgreSQL, none of them a superuser; for psql, which
-- connects as one. Run again, it sets the passwords and leaves the rest as it is.
--
--   user_service   owns the database `users`
--   audit_owner    owns the database `events`, and runs `audit-service migrate`
--   audit_service  appends and reads there: it can alter no table, and drop no trigger that
--                  keeps events from being changed
\set ON_ERROR_STOP on
\getenv user_service_password USER_SERVICE_PASSWORD
\getenv audit_owner_password AUDIT_OWNER_PASSWORD
\getenv audit_service_password AUDIT_SERVICE_PASSWORD

SELECT format('CREATE ROLE %I LOGIN', name)
FROM unnest(ARRAY['user_service', 'audit_owner', 'audit_service']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

ALTER ROLE user_service PASSWORD :'user_service_password';
ALTER ROLE audit_owner PASSWORD :'audit_owner_password';
ALTER ROLE audit_service PASSWORD :'audit_service_password';

SELECT format('CREATE DATABASE %I OWNER %I ENCODING ''UTF8'' TEMPLATE template0', name, owner)
FROM (VALUES ('users', 'user_service'), ('events', 'audit_owner')) AS wanted (name, owner)
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name) \gexec

REVOKE ALL ON DATABASE users, events FROM PUBLIC;
GRANT CONNECT ON DATABASE events TO audit_service;

\connect users
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CREATE ON SCHEMA public TO user_service;

\connect events
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CREATE ON SCHEMA public TO audit_owner;

-- DELETE for rejected messages, which may be dropped; triggers keep it from events. Tables that
-- are there, and those that audit_owner will make.
GRANT SELECT, INSERT, DELETE ON ALL TABLES IN SCHEMA public TO audit_service;
ALTER DEFAULT PRIVILEGES FOR ROLE audit_owner IN SCHEMA public
GRANT SELECT, INSERT, DELETE ON TABLES TO audit_service;
