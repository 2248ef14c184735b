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

    /// Looking at jobs.
    pub fn jobs(project: &str, principal: Option<&str>) -> Self {
        let doing = format!("the jobs of `{project}` cannot be read");
        let permission = ("bigquery.jobs.get", JOB_USER);
        Self::new(project, project, principal, doing, permission)
    }

    /// Loading into a table.
    pub fn load(project: &str, table: &str, principal: Option<&str>) -> Self {
        let doing = format!("`{table}` cannot be loaded into");
        let permission = ("bigquery.jobs.create", JOB_USER);
        Self::new(project, table, principal, doing, permission)
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
            jobs if jobs.starts_with("bigquery.jobs.") => JOB_USER,
            _ => EDITOR,
        };
        let (who, member) = match &self.principal {
            Some(principal) => (format!("`{principal}`"), principal.as_str()),
            None => ("the account in use".to_owned(), "ACCOUNT"),
        };
        format!(
            "{who} needs the permission `{permission}` on `{}`: \
             `gcloud projects add-iam-policy-binding {} --member={member} --role={role}`",
            self.resource, self.project
        )
    }
}

/// The permission that the service's words name.
fn named(message: &str) -> Option<&str> {
    let words = message.split(|it: char| !(it.is_ascii_alphanumeric() || it == '.'));
    let mut permissions = words.filter(|word| word.starts_with("bigquery."));
    permissions.find(|word| word.split('.').count() == 3)
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
}
