package lab

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"time"
)

// requestLimit is the most that a server reads of a request, in bytes.
const requestLimit = 64 << 10

// HTTP answers a request by a status ("200 OK") and header lines as given.
func HTTP(status string, headers ...string) Server {
	answer := "HTTP/1.1 " + status + "\r\n"
	if len(headers) > 0 {
		answer += strings.Join(headers, "\r\n") + "\r\n"
	}
	return AfterRequest(Say(answer + "\r\n"))
}

// Nginx answers a HEAD request as that server does by default.
func Nginx(version string) Server {
	return HTTP("200 OK",
		"Server: nginx/"+version,
		"Date: Sun, 22 Nov 2026 04:38:45 GMT",
		"Content-Type: text/html",
		"Content-Length: 615",
		"Connection: close")
}

// AfterRequest reads an HTTP request up to its empty line before it serves. A
// client that sends none is not served.
func AfterRequest(serve Server) Server {
	return func(connection net.Conn) {
		lines := bufio.NewScanner(io.LimitReader(connection, requestLimit))
		for lines.Scan() {
			if lines.Text() == "" {
				serve(connection)
				return
			}
		}
	}
}

// TLS serves behind a handshake with a certificate of its own for the name. A
// version such as tls.VersionTLS12 is the only one spoken; 0 is all of today's.
func TLS(name string, version uint16, serve Server) (Server, error) {
	certificate, err := selfSigned(name)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{
		Certificates: []tls.Certificate{certificate},
		MinVersion:   max(version, tls.VersionTLS12),
		MaxVersion:   version,
	}
	return func(connection net.Conn) {
		secure := tls.Server(connection, config)
		if secure.Handshake() == nil {
			serve(secure)
			secure.Close()
		}
	}, nil
}

// selfSigned makes a certificate that nobody vouches for.
func selfSigned(name string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("key of %s: %w", name, err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		DNSNames:     []string{name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate of %s: %w", name, err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// MySQL greets with the packet Protocol::HandshakeV10 of the client/server
// protocol. MariaDB before 11 puts "5.5.5-" before its version.
func MySQL(version string) Server {
	packet := append([]byte{10}, version...)
	packet = append(packet, 0)
	packet = binary.LittleEndian.AppendUint32(packet, 42) // connection
	packet = append(packet, "abcdefgh\x00"...)            // first part of the challenge
	packet = append(packet,
		0xff, 0xf7, // capabilities, lower half
		0xff, 0x02, 0x00, // character set, status
		0xff, 0xdf, // capabilities, upper half
		21) // length of the challenge
	packet = append(packet, make([]byte, 10)...)
	packet = append(packet, "ijklmnopqrst\x00mysql_native_password\x00"...)
	return thenWait(Say(string(mysqlPacket(packet))))
}

// MySQLError greets with the packet ERR_Packet, as to a host that may not connect.
func MySQLError(code uint16, message string) Server {
	packet := binary.LittleEndian.AppendUint16([]byte{0xff}, code)
	return Say(string(mysqlPacket(append(packet, message...))))
}

// mysqlPacket puts the header before a first packet: three bytes of length and
// the sequence number 0.
func mysqlPacket(payload []byte) []byte {
	header := binary.LittleEndian.AppendUint32(nil, uint32(len(payload)))
	return append(header, payload...)
}

// SSH identifies itself by its software's version, as "OpenSSH_9.2p1", reads
// the client's identification and waits (RFC 4253, section 4.2).
func SSH(version string) Server {
	return thenWait(Say("SSH-2.0-" + version + "\r\n"))
}

// thenWait serves and then waits for the client to close.
func thenWait(serve Server) Server {
	return func(connection net.Conn) {
		serve(connection)
		Hang(connection)
	}
}
