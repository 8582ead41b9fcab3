//! The bytes of protobuf messages: fields are appended one after the other, without types in between.
//!
//! Only what OTLP uses. A field that has its type's default value need not be written, and is not.

/// A message under construction. Its small steps are inlined wherever they are used: calls would cost a span a fifth
/// more.
#[derive(Debug, Default)]
pub(crate) struct Message {
    bytes: Vec<u8>,
}

/// About how long a nested message is; wrong, it costs a move of that message and nothing else.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Size {
    /// Less than 128 bytes.
    Small = 1,
    /// Less than 16 KiB.
    Medium = 2,
    /// Less than 2 MiB, as most batches are.
    Large = 3,
}

impl Size {
    /// Enough for a message of this many bytes of text and little else.
    pub(crate) fn of(bytes: usize) -> Self {
        match bytes + LONGEST_VARINT {
            0..0x80 => Self::Small,
            0x80..0x4000 => Self::Medium,
            _ => Self::Large,
        }
    }
}

// Wire types, in the low three bits of a field's key.
const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH: u32 = 2;
const FIXED32: u32 = 5;

const LONGEST_VARINT: usize = 10;

impl Message {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes) }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// A number of the types `uint32`, `uint64`, `bool` and `enum`, unless it is zero.
    #[inline]
    pub(crate) fn number(&mut self, field: u32, value: impl Into<u64>) {
        let value = value.into();
        if value != 0 {
            self.member_number(field, value);
        }
    }

    /// Writes a field of a `oneof`, which is written even if it has the default value.
    #[inline]
    pub(crate) fn member_number(&mut self, field: u32, value: u64) {
        self.key(field, VARINT);
        self.varint(value);
    }

    /// One of several numbers of a packed field, which is a message to us.
    pub(crate) fn item(&mut self, value: u64) {
        self.varint(value);
    }

    #[inline]
    pub(crate) fn fixed64(&mut self, field: u32, value: u64) {
        self.key(field, FIXED64);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    #[inline]
    pub(crate) fn fixed32(&mut self, field: u32, value: u32) {
        self.key(field, FIXED32);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// A text or bytes, unless they are empty.
    #[inline]
    pub(crate) fn text(&mut self, field: u32, value: impl AsRef<[u8]>) {
        let value = value.as_ref();
        if !value.is_empty() {
            self.member_text(field, value);
        }
    }

    /// A text of these pieces, unless all are empty.
    #[inline]
    pub(crate) fn texts<const N: usize>(&mut self, field: u32, pieces: [&str; N]) {
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        if length > 0 {
            self.key(field, LENGTH);
            self.varint(length as u64);
            pieces.iter().for_each(|piece| self.bytes.extend_from_slice(piece.as_bytes()));
        }
    }

    /// A text within a `oneof`.
    #[inline]
    pub(crate) fn member_text(&mut self, field: u32, value: impl AsRef<[u8]>) {
        let value = value.as_ref();
        self.key(field, LENGTH);
        self.varint(value.len() as u64);
        self.bytes.extend_from_slice(value);
    }

    /// A message within this one, which has this text and nothing else.
    #[inline]
    pub(crate) fn nested_text(&mut self, field: u32, of_text: u32, text: &[u8]) {
        let key = varint_length((of_text << 3).into());
        self.begin(field, key + varint_length(text.len() as u64) + text.len());
        self.member_text(of_text, text);
    }

    /// Fields that were written before.
    #[inline]
    pub(crate) fn raw(&mut self, fields: &[u8]) {
        self.bytes.extend_from_slice(fields);
    }

    /// A text's or a message's key and its length; its bytes follow.
    #[inline]
    pub(crate) fn begin(&mut self, field: u32, length: usize) {
        self.key(field, LENGTH);
        self.varint(length as u64);
    }

    /// Takes off what was written from there on.
    pub(crate) fn split_off(&mut self, start: usize) -> Vec<u8> {
        self.bytes.split_off(start)
    }

    /// Takes back what was written from there on.
    pub(crate) fn truncate(&mut self, start: usize) {
        self.bytes.truncate(start);
    }

    /// How many bytes were written so far.
    pub(crate) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// A message within this one.
    #[inline]
    pub(crate) fn nested(&mut self, field: u32, size: Size, write: impl FnOnce(&mut Self)) {
        let start = self.open(field, size);
        write(self);
        self.close(start, size);
    }

    /// Begins a message within this one; says where, for its end.
    #[inline]
    pub(crate) fn open(&mut self, field: u32, size: Size) -> usize {
        self.key(field, LENGTH);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; Size::Large as usize][..size as usize]);
        start
    }

    /// Ends the message that began there.
    #[inline]
    pub(crate) fn close(&mut self, start: usize, size: Size) {
        let reserved = size as usize;
        let (length, width) = encoded((self.bytes.len() - start - reserved) as u64);
        let length = &length[..width];
        if width == reserved {
            self.bytes[start..start + width].copy_from_slice(length);
        } else {
            self.bytes.splice(start..start + reserved, length.iter().copied());
        }
    }

    #[inline]
    fn key(&mut self, field: u32, wire_type: u32) {
        self.varint(u64::from(field << 3 | wire_type));
    }

    #[inline]
    fn varint(&mut self, value: u64) {
        if value < 0x80 {
            self.bytes.push(value as u8);
        } else {
            self.long_varint(value);
        }
    }

    // Apart, so that the rest is short enough to be inlined.
    #[inline(never)]
    fn long_varint(&mut self, value: u64) {
        let (bytes, width) = encoded(value);
        self.bytes.extend_from_slice(&bytes[..width]);
    }
}

/// A field that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    Number(u64),
    /// A text, bytes, or a message.
    Bytes(&'a [u8]),
    /// Of a fixed width.
    Fixed,
}

/// The fields of a message with their numbers; `None`, and no further one, where it is no message of protobuf.
pub(crate) fn fields(mut message: &[u8]) -> impl Iterator<Item = Option<(u32, Field<'_>)>> {
    std::iter::from_fn(move || {
        if message.is_empty() {
            return None;
        }
        let read = field(message);
        message = read.map_or(&[], |(_, behind)| behind);
        Some(read.map(|(field, _)| field))
    })
}

/// The first field of a message, and the bytes behind it.
fn field(message: &[u8]) -> Option<((u32, Field<'_>), &[u8])> {
    let (key, behind) = decoded(message)?;
    let number = u32::try_from(key >> 3).ok().filter(|number| *number > 0)?;
    let (field, behind) = match key as u32 & 7 {
        VARINT => decoded(behind).map(|(value, behind)| (Field::Number(value), behind))?,
        FIXED64 => (Field::Fixed, behind.get(8..)?),
        FIXED32 => (Field::Fixed, behind.get(4..)?),
        LENGTH => {
            let (length, behind) = decoded(behind)?;
            let (bytes, behind) = behind.split_at_checked(usize::try_from(length).ok()?)?;
            (Field::Bytes(bytes), behind)
        }
        _ => return None,
    };
    Some(((number, field), behind))
}

/// A number, and the bytes behind it.
fn decoded(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let end = bytes.iter().take(LONGEST_VARINT).position(|byte| byte & 0x80 == 0)?;
    let (number, behind) = bytes.split_at_checked(end + 1)?;
    Some((number.iter().rev().fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f)), behind))
}

/// How many bytes a number takes.
#[inline]
pub(crate) fn varint_length(value: u64) -> usize {
    (70 - (value | 1).leading_zeros() as usize) / 7
}

/// Seven bits a byte, the lowest first; the highest bit of each but the last is set.
fn encoded(mut value: u64) -> ([u8; LONGEST_VARINT], usize) {
    let mut bytes = [0; LONGEST_VARINT];
    let mut width = 0;
    loop {
        bytes[width] = value as u8 & 0x7f;
        value >>= 7;
        width += 1;
        if value == 0 {
            return (bytes, width);
        }
        bytes[width - 1] |= 0x80;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A message with a field of each kind, as the reference implementation reads it.
    #[derive(Clone, PartialEq, prost::Message)]
    struct Reference {
        #[prost(uint64, tag = "1")]
        number: u64,
        #[prost(fixed64, tag = "2")]
        wide: u64,
        #[prost(fixed32, tag = "3")]
        narrow: u32,
        #[prost(string, tag = "4")]
        text: String,
        #[prost(message, repeated, tag = "300")]
        nested: Vec<Reference>,
    }

    fn write(message: &mut Message, reference: &Reference, size: Size) {
        message.number(1, reference.number);
        message.fixed64(2, reference.wide);
        message.fixed32(3, reference.narrow);
        message.text(4, &reference.text);
        for nested in &reference.nested {
            message.nested(300, size, |message| write(message, nested, size));
        }
    }

    fn messages() -> impl Strategy<Value = Reference> {
        let leaf = (any::<u64>(), any::<u64>(), any::<u32>(), "\\PC{0,200}").prop_map(
            |(number, wide, narrow, text)| Reference { number, wide, narrow, text, nested: Vec::new() },
        );
        leaf.prop_recursive(3, 20, 4, |inner| {
            (any::<u64>(), proptest::collection::vec(inner, 0..4)).prop_map(|(number, nested)| Reference {
                number: number >> (number % 64),
                nested,
                ..Reference::default()
            })
        })
    }

    #[test]
    fn the_fields_of_a_message_are_read_back_and_what_is_none_is_known() {
        let texts = ["", "short", &"long".repeat(100)];
        let mut message = Message::default();
        message.number(1, 300_u32);
        message.fixed64(2, 7);
        message.fixed32(3, 7);
        texts.iter().for_each(|text| message.member_text(300, text));
        let read: Vec<_> = fields(&message.bytes).map(Option::unwrap).collect();
        let expected = [(1, Field::Number(300)), (2, Field::Fixed), (3, Field::Fixed)];
        let texts = texts.iter().map(|text| (300, Field::Bytes(text.as_bytes())));
        assert_eq!(read, expected.into_iter().chain(texts).collect::<Vec<_>>());
        for strange in [&b"\x0a\x05cut"[..], b"<html>", b"{}", b"OK", b"\x00\x01", b"\xff\xff\xff"] {
            assert_eq!(fields(strange).last(), Some(None), "{strange:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            prop_assert!(fields(&bytes).count() <= bytes.len());
        }
    }

    #[test]
    fn a_message_of_one_text_has_its_length_before_it_is_written() {
        for length in [0, 1, 125, 126, 127, 128, 16_380, 16_384] {
            for of_text in [1, 300] {
                let (mut known, mut found) = (Message::default(), Message::default());
                let text = "x".repeat(length);
                known.nested_text(5, of_text, text.as_bytes());
                found.nested(5, Size::Small, |message| message.member_text(of_text, &text));
                assert_eq!(known.bytes, found.bytes, "{length}");
            }
        }
    }

    #[test]
    fn a_numbers_length_is_known_before_it_is_written() {
        for shift in 0..64 {
            for value in [1_u64 << shift, (1 << shift) - 1, u64::MAX >> shift] {
                assert_eq!(varint_length(value), encoded(value).1, "{value}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_reference_decoder_reads_what_was_written(reference in messages()) {
            for size in [Size::Small, Size::Medium, Size::Large] {
                let mut message = Message::default();
                write(&mut message, &reference, size);
                let read = <Reference as prost::Message>::decode(&*message.into_bytes());
                prop_assert_eq!(read.as_ref(), Ok(&reference));
            }
        }
    }
}
