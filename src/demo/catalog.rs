//! The words of the made-up world: plugins, accounts and regions.

/// A plugin that collects resources of a provider.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plugin {
    pub(super) provider: &'static str,
    pub(super) name: &'static str,
    pub(super) resource_type: &'static str,
    /// The regions of the provider.
    pub(super) regions: &'static [&'static str],
}

impl Plugin {
    /// Returns `plugin-aws-ec2` for "AWS EC2".
    pub(super) fn id(&self) -> String {
        format!("plugin-{}", self.name.to_lowercase().replace(' ', "-"))
    }
}

const SERVER: &str = "inventory.Server";
const CLOUD_SERVICE: &str = "inventory.CloudService";

const AWS: &[&str] = &["eu-west-1", "us-east-1", "us-west-2", "ap-northeast-2"];
const GOOGLE: &[&str] = &["europe-west1", "us-central1", "asia-northeast3"];
const AZURE: &[&str] = &["westeurope", "eastus", "koreacentral"];
const OPENSTACK: &[&str] = &["RegionOne", "RegionTwo"];
const KUBERNETES: &[&str] = &["cluster-a", "cluster-b", "cluster-c"];
const ALIBABA: &[&str] = &["eu-central-1", "cn-hangzhou", "ap-southeast-1"];

pub(super) const PLUGINS: [Plugin; 10] = [
    plugin("aws", "AWS EC2", SERVER, AWS),
    plugin("aws", "AWS RDS", CLOUD_SERVICE, AWS),
    plugin("aws", "AWS CloudTrail", CLOUD_SERVICE, AWS),
    plugin("google_cloud", "Google Compute Engine", SERVER, GOOGLE),
    plugin("google_cloud", "Google Cloud SQL", CLOUD_SERVICE, GOOGLE),
    plugin("azure", "Azure VM", SERVER, AZURE),
    plugin("azure", "Azure SQL", CLOUD_SERVICE, AZURE),
    plugin("openstack", "OpenStack Nova", SERVER, OPENSTACK),
    plugin("kubernetes", "Kubernetes", CLOUD_SERVICE, KUBERNETES),
    plugin("alibaba", "Alibaba ECS", SERVER, ALIBABA),
];

const fn plugin(
    provider: &'static str,
    name: &'static str,
    resource_type: &'static str,
    regions: &'static [&'static str],
) -> Plugin {
    Plugin {
        provider,
        name,
        resource_type,
        regions,
    }
}

/// The teams whose accounts are collected, and the environments of each.
pub(super) const TEAMS: [&str; 12] = [
    "payments", "search", "billing", "identity", "catalog", "checkout", "mobile", "data", "fraud",
    "media", "support", "shipping",
];
pub(super) const ENVIRONMENTS: [&str; 3] = ["prod", "stage", "dev"];
