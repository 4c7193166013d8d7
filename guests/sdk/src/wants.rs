//! What a storage says it wants, as a section of its component that `strongroom inspect` reads. It grants nothing.

/// Says what the storage wants of whoever runs it: once in a crate, beside [`export!`](crate::export).
///
/// First come the storage's name and what it is; the version is the crate's. Then, in any order:
///
/// ```
/// strongroom_guest::wants! {
///     "photos": "Photographs in a bucket, by year and month";
///     setting "bucket" required: "The bucket's name";
///     setting "region" = "eu-north-1": "Where the bucket is";
///     secret "key" required: "The key for the bucket, from a file";
///     directory "/spool" rw optional: "Uploads until they are whole";
///     address "s3.example.com:443" required: "The bucket's server";
///     address "{metrics}" optional: "Figures, if the setting says where";
///     setting "metrics" optional: "HOST:PORT that takes figures";
///     variable "TZ" optional: "For file times";
/// }
/// ```
///
/// A setting or a secret is `required`, `optional`, or has a default. A directory is `ro` or `rw`. An address is HOST:PORT;
/// `"{name}"` is what that setting names, and either part can be a setting: `"{host}:27017"`. All texts are one line.
#[macro_export]
macro_rules! wants {
    (
        $name:literal : $about:literal ;
        $( $record:ident $subject:literal $(= $default:literal)? $($word:ident)* : $text:literal ; )*
    ) => {
        const _: () = {
            const TEXT: &str = $crate::wants_text!(
                $name : $about ;
                $( $record $subject $(= $default)? $($word)* : $text ; )*
            );
            assert!($crate::hidden::is_one_line(concat!($name, $about)), "a text of wants! is one line without tabs");
            $( assert!(
                $crate::hidden::is_one_line(concat!($subject, $($default,)? $text)),
                "a text of wants! is one line without tabs"
            ); )*
            #[cfg(target_arch = "wasm32")]
            #[used]
            #[unsafe(link_section = "strongroom-wants")]
            static SECTION: [u8; TEXT.len()] = $crate::hidden::bytes(TEXT);
        };
    };
}

/// The section's text, in the form of wit/README.md.
#[doc(hidden)]
#[macro_export]
macro_rules! wants_text {
    (
        $name:literal : $about:literal ;
        $( $record:ident $subject:literal $(= $default:literal)? $($word:ident)* : $text:literal ; )*
    ) => {
        concat!(
            "strongroom-wants 1\nname\t", $name, "\nversion\t", env!("CARGO_PKG_VERSION"), "\nabout\t", $about, "\n",
            $( $crate::wants_record!($record $subject $(= $default)? $($word)* : $text), )*
        )
    };
}

/// One line of it. What fits none of these does not compile.
#[doc(hidden)]
#[macro_export]
macro_rules! wants_record {
    (setting $name:literal = $default:literal : $help:literal) => {
        concat!("setting\t", $name, "\t=", $default, "\t", $help, "\n")
    };
    (secret $name:literal = $default:literal : $help:literal) => {
        concat!("secret\t", $name, "\t=", $default, "\t", $help, "\n")
    };
    (setting $name:literal $need:ident : $help:literal) => {
        concat!("setting\t", $name, "\t", $crate::wants_need!($need), "\t", $help, "\n")
    };
    (secret $name:literal $need:ident : $help:literal) => {
        concat!("secret\t", $name, "\t", $crate::wants_need!($need), "\t", $help, "\n")
    };
    (directory $path:literal ro $need:ident : $reason:literal) => {
        concat!("directory\t", $path, "\tro\t", $crate::wants_need!($need), "\t", $reason, "\n")
    };
    (directory $path:literal rw $need:ident : $reason:literal) => {
        concat!("directory\t", $path, "\trw\t", $crate::wants_need!($need), "\t", $reason, "\n")
    };
    (address $address:literal $need:ident : $reason:literal) => {
        concat!("address\t", $address, "\t", $crate::wants_need!($need), "\t", $reason, "\n")
    };
    (variable $name:literal $need:ident : $reason:literal) => {
        concat!("variable\t", $name, "\t", $crate::wants_need!($need), "\t", $reason, "\n")
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! wants_need {
    (required) => {
        "required"
    };
    (optional) => {
        "optional"
    };
}

/// Whether no author's text can end its line or its field.
pub const fn is_one_line(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while let [byte, behind @ ..] = rest {
        if *byte < b' ' || *byte == 0x7f {
            return false;
        }
        rest = behind;
    }
    true
}

/// The text as a section holds it; `N` is its length.
pub const fn bytes<const N: usize>(text: &str) -> [u8; N] {
    match text.as_bytes().first_chunk() {
        Some(bytes) => *bytes,
        None => [0; N],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record() {
        let text = wants_text! {
            "photos": "By year";
            setting "bucket" required: "Its name";
            setting "port" = 443: "";
            secret "key" required: "From a file";
            secret "old-key" = "": "Until then";
            setting "metrics" optional: "Where";
            directory "/spool" rw optional: "Uploads";
            directory "/" ro required: "All";
            address "{metrics}" optional: "Figures";
            variable "TZ" optional: "Times";
        };
        let version = env!("CARGO_PKG_VERSION");
        let expected = [
            "strongroom-wants 1",
            "name\tphotos",
            &std::format!("version\t{version}"),
            "about\tBy year",
            "setting\tbucket\trequired\tIts name",
            "setting\tport\t=443\t",
            "secret\tkey\trequired\tFrom a file",
            "secret\told-key\t=\tUntil then",
            "setting\tmetrics\toptional\tWhere",
            "directory\t/spool\trw\toptional\tUploads",
            "directory\t/\tro\trequired\tAll",
            "address\t{metrics}\toptional\tFigures",
            "variable\tTZ\toptional\tTimes",
            "",
        ];
        assert_eq!(text.split('\n').collect::<std::vec::Vec<_>>(), expected);
        assert_eq!(bytes::<5>("abcde"), *b"abcde");
    }

    #[test]
    fn no_text_ends_its_line() {
        assert!(is_one_line("grüße {a}: b"));
        for text in ["a\nb", "a\tb", "\r", "\u{1b}[m", "\u{7f}"] {
            assert!(!is_one_line(text), "{text:?}");
        }
    }
}
