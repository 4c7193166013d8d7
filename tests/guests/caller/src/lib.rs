//! A storage that calls: each file's name is what is to be done on the network, as `connect 127.0.0.1 80`, opening the file
//! does it, and what it holds is what came of it, in one line.

mod bindings {
    wit_bindgen::generate!({
        inline: "
            package strongroom:caller;

            world caller {
                include strongroom:storage/guest@0.1.0;
                import wasi:sockets/types@0.3.0;
                import wasi:sockets/ip-name-lookup@0.3.0;
            }
        ",
        path: ["../../../wit", "../../../runtime/wit"],
        generate_all,
    });
}

mod network;
mod older;
mod storage;

async fn carry_out(command: &str) -> String {
    let words: Vec<&str> = command.split(' ').collect();
    let outcome = match words.as_slice() {
        ["old", rest @ ..] => older::carry_out(rest),
        words => network::carry_out(words).await,
    };
    outcome.unwrap_or_else(|error| format!("error: {error}"))
}
