"""The server-side jar: RFC 6265bis on values, and rows that only an ``ick`` opens.

- ``syntax``: one Set-Cookie header field to a value; dates.
- ``suffixes``: registrable domains by the public suffix list.
- ``rules``: what is stored and what is sent (RFC 6265bis sections 5.7 and 5.8).
- ``same_site``: sites, and how a request stands to the page that made it (5.2).
- ``hsts``: Strict Transport Security, kept beside the cookies.
- ``written``: which writes of scripts were taken already.
- ``remark``: texts of the gateway's own in rows beside cookies.
- ``seal``: a user's keys, sealed rows and their indexes.
- ``jar``: rows in, Cookie header out; Set-Cookie in, changed rows out.
"""
