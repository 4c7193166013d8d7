//! As `caller`, with the command `tls HOST PORT NAME COUNT` beside the others: it has a server of that name send back so many
//! bytes, by TLS of the host's.

mod bindings {
    wit_bindgen::generate!({
        inline: "
            package strongroom:secure-caller;

            world secure-caller {
                include strongroom:storage/guest@0.1.0;
                import wasi:sockets/types@0.3.0;
                import wasi:sockets/ip-name-lookup@0.3.0;
                import wasi:tls/client@0.3.0-draft;
            }
        ",
        path: ["../../../wit", "../../../runtime/wit"],
        generate_all,
    });
}

#[path = "../../caller/src/network.rs"]
mod network;
#[path = "../../caller/src/storage.rs"]
mod storage;

use bindings::wasi::tls::client::Connector;
use bindings::wit_stream;
use network::{Broken, connect, echo};

async fn carry_out(command: &str) -> String {
    let words: Vec<&str> = command.split(' ').collect();
    let outcome = match words.as_slice() {
        ["tls", host, port, name, count] => by_tls(host, port, name, count).await,
        words => network::carry_out(words).await,
    };
    outcome.unwrap_or_else(|error| format!("error: {error}"))
}

async fn by_tls(host: &str, port: &str, name: &str, count: &str) -> Result<String, String> {
    let socket = connect(host, port).await?;
    let connector = Connector::new();
    let (encrypted, received) = socket.receive();
    let (clear, _) = connector.receive(encrypted);
    let (writer, to_encrypt) = wit_stream::new();
    let (encrypted, _) = connector.send(to_encrypt);
    let sent = socket.send(encrypted);
    if let Err(error) = Connector::connect(connector, name.to_owned()).await {
        return Err(error.to_debug_string());
    }
    match echo(writer, clear, count).await {
        Ok(done) => sent.await.map_err(|code| format!("{code:?}")).map(|()| done),
        Err(Broken::Sending(done)) => Err(format!("after {done} bytes: {:?}", sent.await)),
        Err(Broken::Receiving(done)) => Err(format!("after {done} bytes: {:?}", received.await)),
    }
}
