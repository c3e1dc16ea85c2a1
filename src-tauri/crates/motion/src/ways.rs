use serde_json::Value;

use sidetone_profile::SignInWays;

use crate::client::Client;
use crate::fault::Fault;
use crate::wire::Methods;

impl Client {
    /// Asks which ways there are, before anybody signs in. A server that does not say has names and passwords.
    ///
    /// # Errors
    /// [`Fault`] when the server cannot be asked.
    pub async fn sign_in_ways(&self) -> Result<SignInWays, Fault> {
        let route = &self.routes().methods;
        let answer = self
            .send(&self.url().of(route), route, None, None::<&()>, None)
            .await;
        let methods: Methods = match answer {
            Err(fault) if fault.is_absent() => Methods::default(),
            answer => self.read_json(route, answer?).await?,
        };
        Ok(ways(methods))
    }
}

fn ways(methods: Methods) -> SignInWays {
    let name = |browser: Value| match browser {
        Value::Null | Value::Bool(false) => None,
        browser => Some(browser["name"].as_str().unwrap_or_default().to_owned()),
    };
    SignInWays {
        password: methods.password != Some(Value::Bool(false)),
        browser: methods.browser.and_then(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_servers_word_is_understood() {
        for (document, password, browser) in [
            ("{}", true, None),
            (r#"{"password":true,"browser":null}"#, true, None),
            (r#"{"browser":false}"#, true, None),
            (r#"{"browser":true}"#, true, Some("")),
            (r#"{"browser":{"name":"Company"}}"#, true, Some("Company")),
            (r#"{"password":false,"browser":{}}"#, false, Some("")),
        ] {
            let ways = ways(serde_json::from_str(document).unwrap());
            let browser = browser.map(str::to_owned);
            assert_eq!(ways, SignInWays { password, browser }, "{document}");
        }
    }
}
