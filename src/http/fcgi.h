/*
 * fcgi: libfcgi, on a file in memory instead of a socket.
 *
 * The guard has gathered a whole, checked request; it is written to a
 * memfd, FCGX_Accept_r() decodes it there, and libfcgi's reply is read back
 * from there.  So libfcgi never waits, never sees more than one request,
 * and an unread body can never become the next request.  This is the only
 * file that includes fcgiapp.h.
 */
#ifndef HTTP_FCGI_H
#define HTTP_FCGI_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "http/guard.h"
#include "http/request.h"
#include "http/response.h"

struct fcgi;

/*
 * Prepare libfcgi; one per process.  libfcgi takes signal handlers for
 * itself; they are put back.  Returns NULL with err set.
 */
struct fcgi *fcgi_new(struct error *err);
void fcgi_free(struct fcgi *fcgi);

/*
 * Decode the guard's whole request.  Texts and body are copied to arena.
 * A request that must not reach a handler (a parameter with NUL, a body
 * that is shorter or longer than CONTENT_LENGTH or the limit, two
 * Authorization headers) is decoded with refused_status set.
 * Returns 0; -1 with err set: libfcgi did not accept what the guard let
 * through, close the connection.
 */
int fcgi_decode(struct fcgi *fcgi, const struct guard *guard,
		struct arena *arena, struct request *request_r,
		struct error *err);

/*
 * Append the reply to the request with this FastCGI id to out: as records,
 * END_REQUEST included.  The request that was decoded last is answered in
 * place; for one that was parked meanwhile, libfcgi is given its
 * BEGIN_REQUEST again.  Returns 0; -1 with err set and out unchanged.
 */
int fcgi_encode(struct fcgi *fcgi, uint16_t id, const struct response *response,
		struct buf *out, struct error *err);

#endif
