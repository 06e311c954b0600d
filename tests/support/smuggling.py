"""Octets that some server somewhere takes for the end of data, and that are not."""

FALSE_ENDS = {
    "LF.LF": b"\n.\n",
    "LF.CRLF": b"\n.\r\n",
    "CRLF.LF": b"\r\n.\n",
    "CR.CR": b"\r.\r",
    "CR.CRLF": b"\r.\r\n",
    "CRLF.CR": b"\r\n.\rX",
    "LF.CR": b"\n.\rX",
    "CR.LF": b"\r.\n",
    "CRLF NUL.CRLF": b"\r\n\0.\r\n",
    "CRLF.NUL CRLF": b"\r\n.\0\r\n",
    "CRCRLF.CRLF": b"\r\r\n.\r\r\n",
    "LFCR.LFCR": b"\n\r.\n\rX",
}
