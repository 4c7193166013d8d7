//! The attacks by name: one list for the guest, which does them, and for the tests, which say what comes of each. Both
//! match on it without a wildcard, so that an attack without the one or the other does not compile.

/// The call of the contract in which an attack happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Connect,
    /// `open` of `/hello`.
    Open,
    /// `read` of `/hello`.
    Read,
    /// `read` of the directory `/`.
    List,
    /// `open` of `/report`, whose bytes then say what came of each try.
    Report,
}

macro_rules! attacks {
    ($($(#[$meaning:meta])+ $attack:ident = $name:literal in $moment:ident,)+) => {
        /// What a hostile guest does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Attack {
            $($(#[$meaning])+ $attack,)+
        }

        impl Attack {
            pub const ALL: &[Self] = &[$(Self::$attack,)+];

            /// As the setting `attack` has it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$attack => $name,)+
                }
            }

            pub const fn moment(self) -> Moment {
                match self {
                    $(Self::$attack => Moment::$moment,)+
                }
            }
        }
    };
}

attacks! {
    /// Does nothing wrong: what the others are measured against.
    Behave = "behave" in Read,
    /// Computes for ever before it has a session.
    SpinInConnect = "spin-in-connect" in Connect,
    /// Waits for ever before it has a session.
    SleepInConnect = "sleep-in-connect" in Connect,
    /// Computes for ever.
    Spin = "spin" in Read,
    /// Calls the host for ever, which lets the host's own loop have its turn.
    SpinInTheHost = "spin-in-the-host" in Read,
    /// Waits for ever on a clock of WASI 0.3, which lets other calls in.
    Sleep = "sleep" in Read,
    /// Waits for ever on a clock of WASI 0.2, which holds the whole instance.
    Block = "block" in Read,
    /// Waits for the `close` of the very file that it reads, which the host sends only when the read has returned.
    WaitForItself = "wait-for-itself" in Read,
    /// An instruction that traps.
    Trap = "trap" in Read,
    /// Takes memory until it is refused more, and answers then.
    GrowToTheLimit = "grow-to-the-limit" in Read,
    /// Takes memory as a program does that expects to get it.
    GrowPastTheLimit = "grow-past-the-limit" in Read,
    /// Calls itself until the stack ends.
    Recurse = "recurse" in Read,
    /// A megabyte on stderr and on stdout.
    FloodTheLog = "flood-the-log" in Read,
    /// Opens a file again and again and keeps each descriptor.
    LeakDescriptors = "leak-descriptors" in Read,
    /// Makes resources of its own again and again and keeps each handle.
    LeakResources = "leak-resources" in Read,
    /// Asks for one time-out after another and takes none.
    LeakPollables = "leak-pollables" in Read,
    /// Starts 10,000 waits on a clock of WASI 0.3 and never takes a result.
    StartAndForget = "start-and-forget" in Read,
    /// Asks the host for all the bytes of a sparse file of a terabyte at once, by each way to ask.
    AskForTooMuch = "ask-for-too-much" in Read,
    /// Asks the host for a list of random bytes as long as a list can be.
    AskForRandomness = "ask-for-randomness" in Read,

    /// A byte more than was asked for.
    LongRead = "long-read" in Read,
    /// A list of a gibibyte.
    HugeRead = "huge-read" in Read,
    /// Names that are no names of one entry.
    SlashName = "slash-name" in List,
    /// A name that the host could not pass on.
    NulName = "nul-name" in List,
    /// A name that leads upwards.
    DotsName = "dots-name" in List,
    /// A million entries where a few were asked for.
    MillionEntries = "million-entries" in List,
    /// Hands over a file that it opened with more rights than the client asked for.
    ShareMoreThanAsked = "share-more-than-asked" in Open,
    /// Hands over the same native file for every open.
    ShareTwice = "share-twice" in Open,
    /// Asks for a native file with more rights than its descriptor has, or than was granted.
    ShareMoreThanHeld = "share-more-than-held" in Report,

    /// Paths that would leave the granted directory, by every operation of `posix` and of WASI.
    LeaveByPath = "leave-by-path" in Report,
    /// Opens beneath a link that is changed meanwhile, thousands of times.
    LeaveByRace = "leave-by-race" in Report,
    /// Opens a FIFO, and sets its times, by each way there is.
    OpenFifo = "open-fifo" in Report,
    /// Creates files and directories by WASI, which names no permissions.
    CreateForAll = "create-for-all" in Report,
    /// Changes what was granted for reading only, by every operation of `posix` and of WASI.
    ChangeReadOnly = "change-read-only" in Report,
    /// Moves and links names from one directory granted for writing to another, and beyond both, by each way there is.
    CrossTheGrants = "cross-the-grants" in Report,
    /// Connects, sends and looks names up.
    ReachTheNetwork = "reach-the-network" in Report,
    /// Reads arguments, environment and working directory.
    ReadTheHost = "read-the-host" in Report,
    /// Finds out the finest step of every clock.
    TimeTheNeighbours = "time-the-neighbours" in Report,
}
