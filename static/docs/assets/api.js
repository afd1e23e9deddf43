/** The page of the API: fills `#api` from the description of this server. */
