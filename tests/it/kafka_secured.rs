//! Brokers that let in only who proves who they are: by passwords, tokens and certificates, over TLS.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use dfpipe::error::Kind;

use crate::{
    kafka::{PATIENCE, Reading, event, in_window},
    support::{
        kafka::{Broker, Kafka, free_ports},
        pages::Pages,
        services,
    },
};

const TOPIC: &str = "secured";
const PASSWORD: &str = "a-password-nobody-may-see";

/// A broker with a listener for each way in, and the certificates for it.
struct Secured {
    kafka: Kafka,
    /// Where passwords and tokens are asked for.
    sasl: String,
    /// Where certificates are asked for.
    mutual: String,
    certificates: PathBuf,
}

fn secured() -> Option<&'static Secured> {
    static SECURED: OnceLock<Secured> = OnceLock::new();
    let home = services::find("kafka")?;
    Some(SECURED.get_or_init(|| {
        let [plain, controller, sasl, mutual] = free_ports();
        let certificates = certificates(plain);
        let settings = settings([plain, controller, sasl, mutual], &certificates);
        let broker = Broker::start([plain, controller], &settings);
        let kafka = Kafka::of(vec![broker]);
        let kafka = kafka.unwrap_or_else(|log| panic!("the broker does not start:\n{log}"));
        remember_user(&home, kafka.bootstrap());
        kafka.create_topic(TOPIC, 1);
        kafka.produce(TOPIC, 0, &[event("a", in_window(1))]);
        Secured {
            kafka,
            sasl: format!("127.0.0.1:{sasl}"),
            mutual: format!("127.0.0.1:{mutual}"),
            certificates,
        }
    }))
}

fn settings([plain, controller, sasl, mutual]: [u16; 4], certificates: &Path) -> Vec<String> {
    let folder = certificates.display();
    let listeners =
        format!("PLAIN://127.0.0.1:{plain},SASL://127.0.0.1:{sasl},MUTUAL://127.0.0.1:{mutual}");
    let login = "listener.name.sasl";
    let module = "org.apache.kafka.common.security";
    [
        format!("listeners={listeners},CONTROLLER://127.0.0.1:{controller}"),
        format!("advertised.listeners={listeners}"),
        "listener.security.protocol.map=PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_SSL,MUTUAL:SSL".to_owned(),
        "inter.broker.listener.name=PLAIN".to_owned(),
        "ssl.keystore.type=PEM".to_owned(),
        format!("ssl.keystore.location={folder}/broker-both.pem"),
        "ssl.truststore.type=PEM".to_owned(),
        format!("ssl.truststore.location={folder}/authority.pem"),
        "listener.name.mutual.ssl.client.auth=required".to_owned(),
        format!("{login}.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER"),
        format!(
            "{login}.plain.sasl.jaas.config={module}.plain.PlainLoginModule required user_reader=\"{PASSWORD}\";"
        ),
        format!("{login}.scram-sha-256.sasl.jaas.config={module}.scram.ScramLoginModule required;"),
        format!("{login}.scram-sha-512.sasl.jaas.config={module}.scram.ScramLoginModule required;"),
        format!(
            "{login}.oauthbearer.sasl.jaas.config={module}.oauthbearer.OAuthBearerLoginModule required \
             unsecuredLoginStringClaim_sub=\"broker\";"
        ),
    ]
    .to_vec()
}

/// Made anew for each test process: an authority, and a broker and a client that it vouches for.
fn certificates(number: u16) -> PathBuf {
    let folder = std::env::temp_dir().join(format!(
        "dfpipe-certificates-{}-{number}",
        std::process::id()
    ));
    fs_err::create_dir(&folder).expect("a folder can be made");
    remove_at_exit(&folder);
    let script = r#"
        key="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
        openssl req -x509 $key -keyout authority.key -out authority.pem -subj /CN=authority-of-tests
        for who in broker client; do
            openssl req $key -keyout $who.key -out $who.csr -subj /CN=$who
            echo "subjectAltName=IP:127.0.0.1" >$who.ext
            openssl x509 -req -in $who.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 \
                -extfile $who.ext -out $who.pem
            cat $who.key $who.pem >$who-both.pem
        done
    "#;
    let made = Command::new("sh")
        .args(["-euc", script])
        .current_dir(&folder)
        .output();
    let made = made.expect("a shell can be started");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    folder
}

/// However this process ends, the system closes its end of the pipe.
fn remove_at_exit(folder: &Path) {
    use std::os::unix::process::CommandExt;
    let cleaner = Command::new("sh")
        .args(["-c", "cat; rm -rf -- \"$1\"", "sh"])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("a shell can be started");
    std::mem::forget(cleaner);
}

/// Brokers learn the users of SCRAM while they run.
fn remember_user(home: &Path, bootstrap: &str) {
    // A user's credentials of two kinds cannot be told at a time.
    for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let credential = format!("{mechanism}=[iterations=4096,password={PASSWORD}]");
        remember_credential(home, bootstrap, &credential);
    }
}

fn remember_credential(home: &Path, bootstrap: &str, credential: &str) {
    let told = Command::new("java")
        .arg("@java.args")
        .args(["kafka.admin.ConfigCommand", "--bootstrap-server", bootstrap])
        .args([
            "--alter",
            "--entity-type",
            "users",
            "--entity-name",
            "reader",
        ])
        .args(["--add-config", credential])
        .current_dir(home)
        .output()
        .expect("Java can be started");
    assert!(
        told.status.success(),
        "{}",
        String::from_utf8_lossy(&told.stderr)
    );
}

impl Secured {
    /// A reading that logs in by `mechanism` at the listener for it.
    fn logging_in(&self, mechanism: &str, options: &[(&str, &str)]) -> Reading {
        let reading = Reading::of(&self.sasl, TOPIC)
            .with_option("security.protocol", "SASL_SSL")
            .with_option("ssl.ca.location", &self.certificate("authority.pem"))
            .with_option("sasl.mechanism", mechanism);
        with_options(reading, options)
    }

    fn certificate(&self, file: &str) -> String {
        self.certificates.join(file).display().to_string()
    }
}

fn with_options(reading: Reading, options: &[(&str, &str)]) -> Reading {
    options.iter().fold(reading, |reading, (name, value)| {
        reading.with_option(name, value)
    })
}

#[test]
fn passwords_over_tls_let_in_by_plain_and_by_scram() {
    let Some(secured) = secured() else { return };
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let options = [("sasl.username", "reader"), ("sasl.password", PASSWORD)];
        assert_eq!(
            secured.logging_in(mechanism, &options).rows(),
            ["0 0 a"],
            "{mechanism}"
        );
    }
}

#[test]
fn a_wrong_password_is_refused_soon_and_never_shown() {
    let Some(secured) = secured() else { return };
    let wrong = "another-password-nobody-may-see";
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let options = [("sasl.username", "reader"), ("sasl.password", wrong)];
        let begun = std::time::Instant::now();
        let error = secured.logging_in(mechanism, &options).fails();
        assert!(begun.elapsed() < PATIENCE, "{mechanism}: {error:?}");
        assert_eq!(error.kind(), Kind::Outside, "{mechanism}: {error:?}");
        assert!(
            error.message().ends_with("refuse the credentials"),
            "{mechanism}: {error:?}"
        );
        assert!(
            !format!("{error:?} {:?}", error.hint()).contains(wrong),
            "{mechanism}: {error:?}"
        );
    }
}

#[test]
fn a_certificate_of_ones_own_lets_in_and_without_one_nobody_is() {
    let Some(secured) = secured() else { return };
    let trusting = || {
        let reading = Reading::of(&secured.mutual, TOPIC);
        let authority = secured.certificate("authority.pem");
        with_options(
            reading,
            &[
                ("security.protocol", "SSL"),
                ("ssl.ca.location", &authority),
            ],
        )
    };
    let (certificate, key) = (
        secured.certificate("client.pem"),
        secured.certificate("client.key"),
    );
    let known = [
        ("ssl.certificate.location", &*certificate),
        ("ssl.key.location", &key),
    ];
    assert_eq!(with_options(trusting(), &known).rows(), ["0 0 a"]);
    let mut unknown = trusting();
    unknown.kafka.timeout = std::time::Duration::from_secs(5);
    assert_eq!(unknown.fails().kind(), Kind::Outside);
}

#[test]
fn a_broker_that_no_authority_vouches_for_is_not_talked_to() {
    let Some(secured) = secured() else { return };
    let reading = Reading::of(&secured.mutual, TOPIC).with_option("security.protocol", "SSL");
    let error = reading.fails();
    assert!(
        error.message().starts_with("no secure connection to"),
        "{error:?}"
    );
}

/// A token that the broker believes, and that is worth nothing elsewhere: nobody has signed it.
fn token() -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let now = dfpipe::clock::Clock::system().now().timestamp();
    let claims = format!(
        "{{\"sub\": \"reader\", \"iat\": {now}, \"exp\": {}}}",
        now + 3600
    );
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.", encode("{\"alg\": \"none\"}"), encode(&claims))
}

#[test]
fn a_token_that_is_fetched_by_client_credentials_lets_in() {
    let Some(secured) = secured() else { return };
    let given = token();
    let answer = format!("{{\"access_token\": \"{given}\", \"expires_in\": 3600}}");
    let server = Pages::serve(move |_| (200, answer.clone()));
    let url = format!("{}/token", server.url());
    let options = [
        ("sasl.oauthbearer.method", "oidc"),
        ("sasl.oauthbearer.token.endpoint.url", &*url),
        ("sasl.oauthbearer.client.id", "reader"),
        ("sasl.oauthbearer.client.secret", PASSWORD),
    ];
    assert_eq!(
        secured.logging_in("OAUTHBEARER", &options).rows(),
        ["0 0 a"]
    );
    assert_eq!(
        server.take_requests().len(),
        1,
        "all consumers log in by the same token"
    );
}

#[test]
fn a_server_that_gives_no_token_is_told_without_the_secret() {
    let Some(secured) = secured() else { return };
    let server = Pages::serve(|_| (401, String::new()));
    let url = format!("{}/token", server.url());
    let options = [
        ("sasl.oauthbearer.token.endpoint.url", &*url),
        ("sasl.oauthbearer.client.id", "reader"),
        ("sasl.oauthbearer.client.secret", PASSWORD),
    ];
    let error = secured.logging_in("OAUTHBEARER", &options).fails();
    let said = format!("{error:?} {:?}", error.hint());
    assert_eq!(error.kind(), Kind::Outside, "{said}");
    assert!(
        said.contains("no token can be fetched") && said.contains("401"),
        "{said}"
    );
    assert!(!said.contains(PASSWORD), "{said}");
    assert!(secured.kafka.bootstrap().starts_with("127.0.0.1"));
}
