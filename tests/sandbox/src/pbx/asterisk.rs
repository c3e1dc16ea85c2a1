//! stub
use crate::centre::Centre;
use crate::problem::Problem;
use crate::sandbox::SandboxError;
use crate::store::Agent;
use sidetone_profile::Secret;
use std::collections::HashMap;
use std::sync::Arc;
/// stub
pub(crate) struct Asterisk {}
/// A
#[derive(Clone, Debug)]
pub struct AsteriskConfig {
    /// `HOST:PORT` of the manager interface.
    pub ami: String,
    /// Manager's name.
    pub user: String,
    /// Manager's secret.
    pub secret: Secret,
    /// Interface of an agent in queues; `{extension}` is replaced.
    pub member_interface: String,
    /// a
    pub sip_secrets: HashMap<String, Secret>,
    /// a
    pub domain: String,
    /// a
    pub wss_url: String,
}
impl Asterisk {
    pub(crate) async fn start(
        _: &Arc<Centre>,
        _: AsteriskConfig,
    ) -> Result<Arc<Self>, SandboxError> {
        Ok(Arc::new(Self {}))
    }
    pub(crate) async fn add(
        &self,
        _: &Agent,
        _: &[String],
        _: Option<&str>,
    ) -> Result<(), Problem> {
        Ok(())
    }
    pub(crate) async fn remove(&self, _: &Agent, _: &[String]) -> Result<(), Problem> {
        Ok(())
    }
    pub(crate) async fn pause(&self, _: &Agent, _: Option<&str>) -> Result<(), Problem> {
        Ok(())
    }
    pub(crate) fn stop(&self) {}
}
