//! A real browser, as people have it: Chromium without a window, driven by WebDriver (<https://www.w3.org/TR/webdriver2/>),
//! which is JSON over HTTP.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use sluicegate_tests::{Call, PATIENCE};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

/// A browser with one window. It ends with all that it has started when it is dropped.
pub(super) struct Browser {
    driver: Driver,
    address: SocketAddr,
    session: String,
}

struct Driver {
    process: Child,
    /// What browsers leave behind.
    _folder: TempDir,
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.process.wait();
    }
}

/// Which theme the system of a person has.
#[derive(Clone, Copy, Debug)]
pub(super) enum Theme {
    Light,
    Dark,
}

/// How wide and tall a window is.
pub(super) const DESK: (u32, u32) = (1280, 900);
pub(super) const PHONE: (u32, u32) = (390, 844);

/// How often to look whether something is there.
const LOOK: Duration = Duration::from_millis(20);
/// What an element is called by the specification.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// The key that opens a link, by the specification.
pub(super) const ENTER: &str = "\u{e007}";

impl Browser {
    pub(super) async fn start(theme: Theme, (width, height): (u32, u32)) -> Self {
        let folder = TempDir::new().unwrap();
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .env("TMPDIR", folder.path())
            .env("HOME", folder.path())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed (on Debian: chromium-driver)");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let driver = Driver { process, _folder: folder };
        let said = lines.find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let address = SocketAddr::from(([127, 0, 0, 1], said.expect("chromedriver says where it listens")));
        let mut arguments = vec!["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"];
        // As root there is no sandbox; what is looked at is this machine's own.
        arguments.push("--no-sandbox");
        if let Theme::Dark = theme {
            arguments.push("--blink-settings=preferredColorScheme=0");
        }
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": arguments, "binary": "/usr/bin/chromium"},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let mut browser = Self { driver, address, session: String::new() };
        let begun = browser.tell("/session", wanted).await;
        browser.session = format!("/session/{}", begun["sessionId"].as_str().unwrap());
        // A phone's screen is narrower than any window may be.
        let screen = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        browser.own("Emulation.setDeviceMetricsOverride", screen).await;
        browser
    }

    /// What the driver says to a command; an error of the browser is one of the test.
    async fn tell(&self, path: &str, body: Value) -> Value {
        self.try_tell(path, body).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    async fn try_tell(&self, path: &str, body: Value) -> Result<Value, Value> {
        let path = if self.session.is_empty() { path.to_owned() } else { format!("{}{path}", self.session) };
        let answer = timeout(PATIENCE, Call::new(self.address, "POST", &path).body(body)).await.expect("an answer");
        let value = answer.json()["value"].clone();
        if answer.status == 200 { Ok(value) } else { Err(value) }
    }

    /// A command of Chromium's own protocol.
    async fn own(&self, command: &str, parameters: Value) -> Value {
        self.tell("/goog/cdp/execute", json!({"cmd": command, "params": parameters})).await
    }

    /// Go somewhere, and wait until it is there.
    pub(super) async fn go(&self, address: &str) {
        self.tell("/url", json!({"url": address})).await;
    }

    /// What a script gives.
    pub(super) async fn script(&self, script: &str) -> Value {
        self.tell("/execute/sync", json!({"script": script, "args": []})).await
    }

    /// An element, as soon as there is one; after a click the page is another one only a moment later.
    async fn element(&self, selector: &str) -> String {
        let look = async {
            loop {
                let found = self.try_tell("/element", json!({"using": "css selector", "value": selector})).await;
                if let Ok(found) = found {
                    return found[ELEMENT].as_str().unwrap().to_owned();
                }
                sleep(LOOK).await;
            }
        };
        timeout(PATIENCE, look).await.unwrap_or_else(|_| panic!("there is no {selector}"))
    }

    /// Wait until there is such an element.
    pub(super) async fn until(&self, selector: &str) {
        self.element(selector).await;
    }

    /// How many such elements there are.
    pub(super) async fn count(&self, selector: &str) -> usize {
        let found = self.tell("/elements", json!({"using": "css selector", "value": selector})).await;
        found.as_array().unwrap().len()
    }

    pub(super) async fn click(&self, selector: &str) {
        let element = self.element(selector).await;
        self.tell(&format!("/element/{element}/click"), json!({})).await;
    }

    pub(super) async fn write(&self, selector: &str, text: &str) {
        let element = self.element(selector).await;
        self.tell(&format!("/element/{element}/value"), json!({"text": text})).await;
    }

    /// Press keys, wherever the page has its focus.
    pub(super) async fn press(&self, keys: &str) {
        let press = |key: char| [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})];
        let actions: Vec<Value> = keys.chars().flat_map(press).collect();
        self.tell("/actions", json!({"actions": [{"type": "key", "id": "keys", "actions": actions}]})).await;
    }

    /// All that the browser complained of since it was asked last.
    pub(super) async fn complaints(&self) -> Vec<String> {
        let said = self.tell("/se/log", json!({"type": "browser"})).await;
        let said = said.as_array().unwrap().iter();
        said.map(|entry| format!("{}: {}", entry["level"], entry["message"])).collect()
    }

    /// The text that is seen.
    pub(super) async fn text(&self) -> String {
        self.script("return document.body.innerText").await.as_str().unwrap().to_owned()
    }

    /// Whether one has to scroll sideways.
    pub(super) async fn is_too_wide(&self) -> bool {
        let page = "document.documentElement";
        self.script(&format!("return {page}.scrollWidth > {page}.clientWidth + 1")).await == json!(true)
    }

    /// Keep a picture of the page, where somebody wants to look: in the folder that `SLUICEGATE_SCREENSHOTS` names.
    pub(super) async fn keep_picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("SLUICEGATE_SCREENSHOTS") else { return };
        let size = self.own("Page.getLayoutMetrics", json!({})).await["cssContentSize"].clone();
        let clip = json!({"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1});
        let wanted = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let picture = self.own("Page.captureScreenshot", wanted).await;
        let picture = STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), picture).unwrap();
    }

    pub(super) async fn end(self) {
        // What does not end by itself is ended with the driver.
        let _ = timeout(PATIENCE, Call::new(self.address, "DELETE", &self.session).open()).await;
        drop(self.driver);
    }
}
