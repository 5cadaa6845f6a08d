//! The commands of a client that have no tagged answer yet: a few exactly, the rest counted.

/// What a command's answer, or the lines behind it, will mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Plain = 1,
    /// IDLE, and the server has not said `+` yet.
    IdleAsked,
    /// The server sends news as they come; the next line of the client ends it.
    Idle,
    /// The client has ended an IDLE to which the server has not even said `+`.
    IdleLeft,
    /// OK makes both streams something else: COMPRESS, STARTTLS, AUTHENTICATE with a security layer.
    Change,
}

/// A tag as it is remembered: 29 bits of its hash. Two that look the same only swap their answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag(u32);

impl Tag {
    #[must_use]
    pub fn of_hash(hash: u32) -> Self {
        Self(hash & !KIND_BITS)
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Commands {
    /// A tag's bits and its kind; 0 for none.
    kept: [u32; KEPT_MAX],
    /// Commands beyond the kept ones; all of them plain.
    more: u16,
}

impl Commands {
    /// A command has begun. False: it cannot be followed. Too many are open, or this one changes what comes
    /// and there is no room to remember it.
    #[must_use]
    pub fn begin(&mut self, tag: Tag, kind: Kind) -> bool {
        if let Some(free) = self.kept.iter_mut().find(|entry| **entry == 0) {
            *free = tag.0 | kind as u32;
            return true;
        }
        self.more = self.more.saturating_add(1);
        kind == Kind::Plain && self.more < u16::MAX
    }

    /// A command has its answer. `None`: there was no such command.
    pub fn end(&mut self, tag: Tag) -> Option<Kind> {
        if let Some(entry) = self.kept.iter_mut().find(|entry| **entry != 0 && Tag::of_hash(**entry) == tag) {
            return kind_of(std::mem::take(entry));
        }
        self.more = self.more.checked_sub(1)?;
        Some(Kind::Plain)
    }

    /// One command of the kind `from` becomes one of the kind `to`. False: there is none.
    pub fn turn(&mut self, from: Kind, to: Kind) -> bool {
        let entry = self.kept.iter_mut().find(|entry| kind_of(**entry) == Some(from));
        entry.map(|entry| *entry = (*entry & !KIND_BITS) | to as u32).is_some()
    }

    #[must_use]
    pub fn is_idling(&self) -> bool {
        self.kinds().any(is_idle)
    }

    /// An answer is awaited that does not wait for news.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.more > 0 || self.kinds().any(|kind| !is_idle(kind))
    }

    fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.kept.iter().filter_map(|entry| kind_of(*entry))
    }
}

fn is_idle(kind: Kind) -> bool {
    matches!(kind, Kind::Idle | Kind::IdleAsked)
}

fn kind_of(entry: u32) -> Option<Kind> {
    const KINDS: [Kind; 5] = [Kind::Plain, Kind::IdleAsked, Kind::Idle, Kind::IdleLeft, Kind::Change];
    KINDS.into_iter().find(|kind| *kind as u32 == entry & KIND_BITS)
}

/// Mail programs have one to three open. Beyond five the count alone still says when all are answered.
const KEPT_MAX: usize = 5;
const KIND_BITS: u32 = 7;

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(number: u32) -> Tag {
        Tag::of_hash(number << 3)
    }

    #[test]
    fn commands_beyond_the_kept_ones_are_counted_and_answered_in_any_order() {
        let mut commands = Commands::default();
        assert!((1..=12).all(|number| commands.begin(tag(number), Kind::Plain)));
        for number in [12, 1, 7, 2, 3, 11, 4, 5, 6, 8, 9, 10] {
            assert!(commands.is_busy());
            assert_eq!(commands.end(tag(number)), Some(Kind::Plain), "{number}");
        }
        assert!(!commands.is_busy());
        assert_eq!(commands.end(tag(1)), None);
    }

    #[test]
    fn a_command_that_changes_what_comes_is_refused_where_it_cannot_be_kept() {
        let mut commands = Commands::default();
        assert!((1..=5).all(|number| commands.begin(tag(number), Kind::Plain)));
        for kind in [Kind::IdleAsked, Kind::Change] {
            let mut full = commands;
            assert!(!full.begin(tag(6), kind), "{kind:?}");
        }
        assert_eq!(commands.end(tag(3)), Some(Kind::Plain));
        assert!(commands.begin(tag(6), Kind::Change));
        assert_eq!(commands.end(tag(6)), Some(Kind::Change));
    }

    #[test]
    fn no_flood_of_commands_wraps_the_count() {
        let mut commands = Commands::default();
        let taken = (0..70_000).take_while(|number| commands.begin(tag(*number), Kind::Plain)).count();
        assert_eq!(taken, KEPT_MAX + usize::from(u16::MAX) - 1);
        assert!(!commands.begin(tag(1), Kind::Plain));
    }

    #[test]
    fn idling_is_not_being_busy_until_the_client_ends_it() {
        let mut commands = Commands::default();
        assert!(commands.begin(tag(0), Kind::IdleAsked));
        assert!(commands.is_idling() && !commands.is_busy());
        assert!(commands.turn(Kind::IdleAsked, Kind::Idle) && !commands.turn(Kind::IdleAsked, Kind::Idle));
        assert!(commands.is_idling() && !commands.is_busy());
        assert!(commands.turn(Kind::Idle, Kind::Plain));
        assert!(!commands.is_idling() && commands.is_busy());
        assert_eq!(commands.end(tag(0)), Some(Kind::Plain));
        assert!(!commands.is_busy());
    }
}
