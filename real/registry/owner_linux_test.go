package registry

import (
	"bufio"
	"net"
	"net/http"
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Whoever has an account on the machine may pull, but not push.
func TestPushOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be another user")
	}
	s := bundled(t)
	for line, want := range map[string][2]int{
		"POST /v2/x/blobs/uploads/":        {202, 403},
		"PUT /v2/x/manifests/1":            {400, 403}, // it is empty
		"GET /v2/busybox/manifests/latest": {200, 200},
	} {
		require.Equal(t, want, [2]int{askAs(t, s, 0, line), askAs(t, s, 65534, line)}, line)
	}
}

// askAs sends a request from a socket of the user, and returns the status.
func askAs(t *testing.T, s *Server, uid int, line string) int {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	require.NoError(t, unix.Setfsuid(uid)) // whose a socket is
	conn, err := net.Dial("tcp", s.Addr())
	require.NoError(t, unix.Setfsuid(0))
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte(line + " HTTP/1.0\r\nHost: " + Name + "\r\n\r\n"))
	require.NoError(t, err)
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	answer.Body.Close()
	return answer.StatusCode
}
