-- Makes the bot's role and the database that it owns, and lets it do nothing else.
--
-- psql runs it once, as the superuser of a new server; `secret` names the file of the role's
-- password.
\if :{?secret}
\else
    \set secret /run/secrets/bell_password
\endif
\set password `cat :'secret'`
\set ON_ERROR_STOP on

create role bell login password :'password'
    nosuperuser nocreatedb nocreaterole noreplication nobypassrls;
create database bell owner bell;
revoke all on database bell from public;
revoke all on database postgres, template1 from public;
