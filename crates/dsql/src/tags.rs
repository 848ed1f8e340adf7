//! Tags of clusters and streams.

use std::collections::BTreeMap;

use frontdoor::Scope;
use store::{ReadTx, WriteTx};

use crate::arn::ResourceArn;
use crate::cluster::{self, Cluster};
use crate::error::{Error, ResourceType};
use crate::lifecycle::Lifecycle;
use crate::quota;
use crate::stream::{self, Stream};

/// Checks tags that are to be set: keys of the form `aws:…` are AWS's own.
fn check_new(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    if tags.keys().any(|key| key.starts_with("aws:")) {
        return Err(Error::field("tags", "Tag keys cannot begin with `aws:`."));
    }
    Ok(())
}

/// Checks the tags of something that is to be made.
pub(crate) fn check_all(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    check_new(tags)?;
    if tags.len() > quota::TAGS {
        return Err(Error::field("tags", TOO_MANY));
    }
    Ok(())
}

const TOO_MANY: &str = "A resource can have at most 50 tags.";

/// What has tags.
pub(crate) enum Tagged {
    Cluster(Box<Cluster>),
    Stream(Box<Stream>),
}

impl Tagged {
    /// What the ARN names, if it is in the caller's world.
    pub(crate) fn find(
        tx: &dyn ReadTx,
        scope: &Scope,
        arn: &str,
        at: Lifecycle<'_>,
    ) -> Result<Self, Error> {
        let parsed = ResourceArn::parse(arn).ok_or_else(|| {
            let text = "The ARN is not that of a cluster or stream.";
            Error::field("resourceArn", text)
        })?;
        let ResourceArn {
            scope: its,
            cluster: id,
            stream,
        } = parsed;
        if its.account != scope.account {
            let text = "The resource belongs to another account.";
            return Err(Error::AccessDenied(text.to_owned()));
        }
        if its.region != scope.region {
            return Err(match stream {
                Some(stream) => Error::NotFound(ResourceType::Stream, stream),
                None => Error::NotFound(ResourceType::Cluster, id),
            });
        }
        Ok(match stream {
            Some(stream) => Self::Stream(Box::new(stream::find(tx, scope, &id, &stream, at)?)),
            None => Self::Cluster(Box::new(cluster::find(tx, scope, &id, at)?)),
        })
    }

    /// The tags.
    pub(crate) fn tags(&mut self) -> &mut BTreeMap<String, String> {
        match self {
            Self::Cluster(cluster) => &mut cluster.record.tags,
            Self::Stream(stream) => &mut stream.record.tags,
        }
    }

    /// Sets tags in addition to those that there are.
    pub(crate) fn extend(&mut self, tags: BTreeMap<String, String>) -> Result<(), Error> {
        check_new(&tags)?;
        self.tags().extend(tags);
        if self.tags().len() <= quota::TAGS {
            return Ok(());
        }
        Err(Error::QuotaExceeded {
            message: TOO_MANY.to_owned(),
            resource: match self {
                Self::Cluster(cluster) => (ResourceType::Cluster, cluster.id.clone()),
                Self::Stream(stream) => (ResourceType::Stream, stream.id.clone()),
            },
            quota_code: quota::code::TAGS_PER_RESOURCE,
        })
    }

    /// Writes the record.
    pub(crate) fn put(&self, tx: &mut dyn WriteTx) -> Result<(), Error> {
        match self {
            Self::Cluster(cluster) => cluster.put(tx),
            Self::Stream(stream) => stream.put(tx),
        }
    }
}
