//! The data plane of Aurora DSQL: PostgreSQL's wire protocol behind TLS, IAM tokens and cluster
//! policies. File order is the life of a connection: [`stages`], then [`session`].

pub mod catalog;
