//! What a request tries, which permission that takes, and how to grant it.
//!
//! Apart from the failures, because the words are made when the request is: then it is known what for.

/// A request, as a person needs to see it when it is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The project whose rules decide.
    pub project: String,
    /// What is done, as in "the table cannot be …".
    doing: String,
    permission: &'static str,
    role: &'static str,
    resource: String,
    principal: Option<String>,
}

/// What reads and writes tables.
const EDITOR: &str = "roles/bigquery.dataEditor";

/// What looks at jobs of others; at one's own everybody may.
const RESOURCE_VIEWER: &str = "roles/bigquery.resourceViewer";

/// What reads and writes the objects of a bucket.
const OBJECT_USER: &str = "roles/storage.objectUser";

/// What runs jobs.
const JOB_USER: &str = "roles/bigquery.jobUser";

impl Access {
    fn new(
        project: &str,
        resource: &str,
        principal: Option<&str>,
        doing: String,
        (permission, role): (&'static str, &'static str),
    ) -> Self {
        Self {
            project: project.to_owned(),
            doing,
            permission,
            role,
            resource: resource.to_owned(),
            principal: principal.map(str::to_owned),
        }
    }

    /// Reading a dataset.
    pub fn read_dataset(project: &str, dataset: &str, principal: Option<&str>) -> Self {
        let doing = format!("the dataset `{dataset}` cannot be read");
        Self::new(
            project,
            dataset,
            principal,
            doing,
            ("bigquery.datasets.get", EDITOR),
        )
    }

    /// Making a dataset.
    pub fn create_dataset(project: &str, dataset: &str, principal: Option<&str>) -> Self {
        let doing = format!("the dataset `{dataset}` cannot be created");
        Self::new(
            project,
            dataset,
            principal,
            doing,
            ("bigquery.datasets.create", EDITOR),
        )
    }

    /// Reading what a table is.
    pub fn read_table(project: &str, table: &str, principal: Option<&str>) -> Self {
        let doing = format!("the table `{table}` cannot be read");
        Self::new(
            project,
            table,
            principal,
            doing,
            ("bigquery.tables.get", EDITOR),
        )
    }

    /// Making a table or view.
    pub fn create_table(project: &str, table: &str, principal: Option<&str>) -> Self {
        let doing = format!("the table `{table}` cannot be created");
        Self::new(
            project,
            table,
            principal,
            doing,
            ("bigquery.tables.create", EDITOR),
        )
    }

    /// Changing what a table or view is.
    pub fn change_table(project: &str, table: &str, principal: Option<&str>) -> Self {
        let doing = format!("the table `{table}` cannot be changed");
        Self::new(
            project,
            table,
            principal,
            doing,
            ("bigquery.tables.update", EDITOR),
        )
    }

    /// Asking for rows.
    pub fn query(project: &str, principal: Option<&str>) -> Self {
        let doing = format!("the project `{project}` cannot be queried");
        let permission = ("bigquery.jobs.create", JOB_USER);
        Self::new(project, project, principal, doing, permission)
    }

    /// Looking at jobs, which may be another account's.
    pub fn jobs(project: &str, principal: Option<&str>) -> Self {
        let doing = format!("the jobs of `{project}` cannot be read");
        let permission = ("bigquery.jobs.get", RESOURCE_VIEWER);
        Self::new(project, project, principal, doing, permission)
    }

    /// Loading into a table.
    pub fn load(project: &str, table: &str, principal: Option<&str>) -> Self {
        let doing = format!("`{table}` cannot be loaded into");
        let permission = ("bigquery.jobs.create", JOB_USER);
        Self::new(project, table, principal, doing, permission)
    }

    /// Putting a file into the folder of a bucket that a job loads it from.
    pub fn stage(project: &str, folder: &str, principal: Option<&str>) -> Self {
        let doing = format!("the file cannot be put into `{folder}`");
        let permission = ("storage.objects.create", OBJECT_USER);
        Self::new(project, folder, principal, doing, permission)
    }

    /// Getting a token.
    pub fn token(project: &str) -> Self {
        let doing = "no access token can be had for BigQuery".to_owned();
        Self::new(
            project,
            project,
            None,
            doing,
            ("bigquery.jobs.create", JOB_USER),
        )
    }

    /// What failed, in words.
    pub fn cannot(&self) -> String {
        self.doing.clone()
    }

    /// How to get the permission that `message` names, or that the request takes.
    pub fn grant(&self, message: &str) -> String {
        let permission = named(message).unwrap_or(self.permission);
        let role = match permission {
            other if other == self.permission => self.role,
            objects if objects.starts_with("storage.") => OBJECT_USER,
            "bigquery.jobs.get" => RESOURCE_VIEWER,
            jobs if jobs.starts_with("bigquery.jobs.") => JOB_USER,
            _ => EDITOR,
        };
        // Rights to objects are given with their bucket, all others with the project.
        let is_of_bucket = permission.starts_with("storage.");
        let named = bucket(message).or_else(|| bucket(&self.resource));
        let (resource, gcloud) = match named.filter(|_| is_of_bucket) {
            Some(bucket) => (
                bucket,
                format!("storage buckets add-iam-policy-binding {bucket}"),
            ),
            None => {
                let project = &self.project;
                let binding = format!("projects add-iam-policy-binding {project}");
                (&*self.resource, binding)
            }
        };
        let (who, member) = match &self.principal {
            Some(principal) => (format!("`{principal}`"), principal.as_str()),
            None => ("the account in use".to_owned(), "ACCOUNT"),
        };
        format!(
            "{who} needs the permission `{permission}` on `{resource}`: \
             `gcloud {gcloud} --member={member} --role={role}`"
        )
    }

    /// Where to look if what is asked for is not there.
    pub fn look(&self) -> &'static str {
        if bucket(&self.resource).is_some() {
            "look at `destination.staging` in dfpipe.yml: its first part is the bucket, which must be there"
        } else {
            "look at `project`, `dataset`, `table` and `location` of `destination` in dfpipe.yml"
        }
    }
}

/// The permission that the service's words name.
fn named(message: &str) -> Option<&str> {
    let words = message.split(|it: char| !(it.is_ascii_alphanumeric() || it == '.'));
    let is_known = |word: &&str| word.starts_with("bigquery.") || word.starts_with("storage.");
    let mut permissions = words.filter(is_known);
    permissions.find(|word| word.split('.').count() == 3)
}

/// The address of the bucket that `text` names first.
fn bucket(text: &str) -> Option<&str> {
    const SCHEME: &str = "gs://";
    let at = text.find(SCHEME)?;
    let name = &text[at + SCHEME.len()..];
    let is_part = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
    let length = name.find(|it| !is_part(it)).unwrap_or(name.len());
    (length > 0).then(|| &text[at..at + SCHEME.len() + length])
}

#[cfg(test)]
mod tests {
    use super::Access;

    #[test]
    fn the_permission_that_the_service_names_wins_over_the_usual_one() {
        let access = Access::load("p", "p.d.t", None);
        let usual = access.grant("Access Denied");
        assert!(usual.contains("`bigquery.jobs.create`"), "{usual}");
        assert!(usual.contains("roles/bigquery.jobUser"), "{usual}");
        let named = access.grant("Permission bigquery.tables.get denied on table p:d.t");
        assert!(named.contains("`bigquery.tables.get`"), "{named}");
        assert!(named.contains("--member=ACCOUNT --role=roles/bigquery.dataEditor"));
    }

    #[test]
    fn who_submits_jobs_may_not_look_at_those_of_others() {
        let denied = "Access Denied: Job p:US.j: User does not have bigquery.jobs.get permission for job p:US.j.";
        for access in [Access::jobs("p", None), Access::load("p", "p.d.t", None)] {
            let grant = access.grant(denied);
            assert!(
                grant.ends_with("--role=roles/bigquery.resourceViewer`"),
                "{grant}"
            );
        }
    }

    #[test]
    fn rights_to_a_bucket_are_given_with_the_bucket() {
        let staging = Access::stage("p", "gs://b-1/deep", Some("serviceAccount:a"));
        let denied = "Access Denied: File gs://b-1/deep/x.parquet: loader does not have \
                      storage.objects.get access to the Google Cloud Storage object.";
        for (grant, permission) in [
            (staging.grant("403 Forbidden"), "storage.objects.create"),
            (
                Access::load("p", "p.d.t", None).grant(denied),
                "storage.objects.get",
            ),
        ] {
            assert!(
                grant.contains(&format!("`{permission}` on `gs://b-1`")),
                "{grant}"
            );
            let line = "`gcloud storage buckets add-iam-policy-binding gs://b-1 --member=";
            assert!(grant.contains(line), "{grant}");
            assert!(
                grant.ends_with("--role=roles/storage.objectUser`"),
                "{grant}"
            );
        }
        assert!(staging.look().contains("destination.staging"));
    }
}
