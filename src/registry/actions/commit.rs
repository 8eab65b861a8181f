//! When a commit was made: one object of a repository, by the second version of Git's own protocol.

use bytes::Bytes;
use flate2::read::ZlibDecoder;
use reqwest::Method;
use sha1::{Digest, Sha1};
use std::io::Read;

use super::super::detail::{Asking, begin};

/// A commit with its message is a few kilobytes, and it is the first thing of a pack; the rest of a server that sends all files
/// because it does not know how to leave them out is not read.
const MOST: usize = 256 * 1024;

/// The committer's time, in Unix milliseconds; `None`: the commit has none.
///
/// # Errors
/// Why it could not be had: a sentence without a full stop.
pub(super) async fn time(asking: &Asking<'_>, repository: &str, commit: &str) -> Result<Option<i64>, String> {
    let address = format!("{repository}/git-upload-pack");
    let body = Bytes::from(question(commit));
    let response = asking.send(Method::POST, (&address, "application/x-git-upload-pack-result"), Some(body)).await?;
    let (answer, _) = begin(response, MOST).await?;
    let text = object(&pack(&answer)?, commit)?;
    Ok(committed(&text))
}

/// This commit, none before it, and nothing of what is in it.
fn question(commit: &str) -> String {
    let line = |text: &str| format!("{:04x}{text}\n", text.len() + 5);
    let format = if commit.len() == 64 { "sha256" } else { "sha1" };
    let capabilities = line("command=fetch") + &line(&format!("object-format={format}")) + "0001";
    let wants = ["no-progress", "deepen 1", "filter tree:0", &format!("want {commit}"), "done"].map(line).concat();
    format!("{capabilities}{wants}0000")
}

fn broken() -> String {
    "its repository did not answer as Git does".to_owned()
}

/// The beginning of the pack in an answer; what the server says instead is its reason.
fn pack(answer: &[u8]) -> Result<Vec<u8>, String> {
    let (mut pack, mut inside, mut at) = (Vec::new(), false, 0);
    while let Some(digits) = answer.get(at..at + 4) {
        let digits = std::str::from_utf8(digits).map_err(|_| broken())?;
        let length = usize::from_str_radix(digits, 16).map_err(|_| broken())?;
        // 0 to 3 are marks between parts; of a line that is cut off its beginning is enough.
        let line = answer.get(at + 4..(at + length.max(4)).min(answer.len())).ok_or_else(broken)?;
        at += length.max(4);
        match line {
            b"packfile\n" => inside = true,
            [1, data @ ..] if inside => pack.extend_from_slice(data),
            [3, why @ ..] if inside => return Err(refused(why)),
            _ => {
                if let Some(why) = line.strip_prefix(b"ERR ") {
                    return Err(refused(why));
                }
            }
        }
    }
    if pack.starts_with(b"PACK") { Ok(pack) } else { Err(broken()) }
}

fn refused(why: &[u8]) -> String {
    let plain: String = String::from_utf8_lossy(why).chars().filter(|c| !c.is_control()).take(120).collect();
    format!("its repository does not give the commit out: {plain}")
}

/// The text of the commit, which is the first object of a pack. It must be the very one that was asked for.
fn object(pack: &[u8], commit: &str) -> Result<String, String> {
    let mut rest = pack.get(12..).ok_or_else(broken)?;
    let (mut first, mut kind) = (true, 0);
    // The kind and, in sevens of bits, the size.
    loop {
        let (byte, after) = rest.split_first().ok_or_else(broken)?;
        if std::mem::take(&mut first) {
            kind = byte >> 4 & 7;
        }
        rest = after;
        if byte & 0x80 == 0 {
            break;
        }
    }
    if kind != 1 {
        return Err(broken());
    }
    let mut text = Vec::new();
    ZlibDecoder::new(rest).take(MOST as u64).read_to_end(&mut text).map_err(|_| broken())?;
    let mut whole = format!("commit {}\0", text.len()).into_bytes();
    whole.extend_from_slice(&text);
    if commit.len() == 40 && hex::encode(Sha1::digest(&whole)) != commit {
        return Err("its repository gave out another commit than the tag's".to_owned());
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// `committer Name <mail> 1700000000 +0100`.
fn committed(text: &str) -> Option<i64> {
    let line = text.lines().take_while(|line| !line.is_empty()).find_map(|line| line.strip_prefix("committer "))?;
    let (_, moment) = line.rsplit_once('>')?;
    moment.split_whitespace().next()?.parse::<i64>().ok()?.checked_mul(1000)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn line(data: &[u8]) -> Vec<u8> {
        [format!("{:04x}", data.len() + 4).as_bytes(), data].concat()
    }

    fn answer(commit: &str) -> (String, Vec<u8>) {
        let id = hex::encode(Sha1::digest(format!("commit {}\0{commit}", commit.len())));
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(commit.as_bytes()).expect("memory");
        let size = commit.len();
        let header = [0x90 | u8::try_from(size & 15).expect("4 bits"), u8::try_from(size >> 4).expect("7 bits")];
        let pack = [b"PACK\0\0\0\x02\0\0\0\x01".as_slice(), &header, &packed.finish().expect("memory")].concat();
        let (one, two) = pack.split_at(20);
        let part = |data: &[u8]| line(&[&[1], data].concat());
        let parts = [line(b"shallow-info\n"), line(b"shallow 0\n"), b"0001".to_vec(), line(b"packfile\n")].concat();
        (id, [parts, line(b"\x02counting\n"), part(one), part(two), b"0000".to_vec()].concat())
    }

    #[test]
    fn a_commit_says_when_it_was_made() {
        let text =
            "tree 0\nauthor A <a@b.test> 1 +0000\ncommitter C > <c@d.test> 1700000000 +0100\n\ncommitter x > 5\n";
        let (id, all) = answer(text);
        let read = |bytes: &[u8]| pack(bytes).and_then(|pack| object(&pack, &id)).map(|text| committed(&text));
        assert_eq!(read(&all), Ok(Some(1_700_000_000_000)));
        assert!(object(&pack(&all).expect("a pack"), &"0".repeat(40)).is_err_and(|why| why.contains("another commit")));
        for cut in 0..all.len() - 4 {
            // The checksum of what is packed may be missing, and nothing else.
            assert!(read(&all[..cut]).is_err() || cut + 8 >= all.len(), "{cut}");
        }
        assert_eq!(committed("tree 0\n\ncommitter A <a> 5 +0"), None);
        let refusal = line(b"ERR upload-pack: not our ref 1\n");
        assert!(pack(&refusal).is_err_and(|why| why.contains("not our ref")));
        assert!(pack(b"<html>").is_err() && pack(b"").is_err());
    }

    #[test]
    fn only_the_commit_is_asked_for() {
        let said = question("0123456789012345678901234567890123456789");
        assert!(said.starts_with("0012command=fetch\n0017object-format=sha1\n0001"), "{said}");
        assert!(said.contains("0012filter tree:0\n0032want 0123") && said.ends_with("0009done\n0000"), "{said}");
    }
}
