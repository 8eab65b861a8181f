//! Listens at `PORT`. Only the standard library, so that the first build waits for nobody; put a framework in when you
//! need one.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

fn main() -> std::io::Result<()> {
    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    println!("listening at http://{}", listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || serve(stream));
    }
    Ok(())
}

/// Answers requests until the client has no more.
fn serve(stream: TcpStream) {
    if let Err(error) = stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .and_then(|()| requests(&stream))
    {
        eprintln!("a connection ended: {error}");
    }
}

fn requests(mut stream: &TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let mut header = String::new();
        while reader.read_line(&mut header)? > 2 {
            header.clear();
        }
        let path = first.split(' ').nth(1).unwrap_or("/");
        let (status, body) = answer(path);
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {length}");
        write!(stream, "{head}\r\n\r\n{body}")?;
    }
}

/// What a path is answered with: a status line and a body.
fn answer(path: &str) -> (&'static str, &'static str) {
    match path {
        "/" => (
            "200 OK",
            concat!("Hello from ", env!("CARGO_PKG_NAME"), ".\n"),
        ),
        "/healthz" => ("200 OK", "ok\n"),
        _ => ("404 Not Found", "There is nothing here.\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn it_says_that_it_is_well() -> std::io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut client = TcpStream::connect(listener.local_addr()?)?;
        let (stream, _) = listener.accept()?;
        thread::spawn(move || serve(stream));
        client.write_all(b"GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n")?;
        client.shutdown(std::net::Shutdown::Write)?;
        let mut said = String::new();
        client.read_to_string(&mut said)?;
        assert!(
            said.starts_with("HTTP/1.1 200 OK\r\n") && said.ends_with("\r\n\r\nok\n"),
            "{said}"
        );
        Ok(())
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        assert_eq!(answer("/nothing").0, "404 Not Found");
    }
}
