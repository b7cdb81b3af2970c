//! Sign-in at this server, for sites that have none.

mod cookie;
