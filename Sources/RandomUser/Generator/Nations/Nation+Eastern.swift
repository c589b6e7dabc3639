extension Nation {
    /// India, Iran, Serbia, Turkey, Ukraine.
    static let eastern: [Nation] = [
        Nation(
            "IN", "India",
            male:
                "Aarav,Vihaan,Arjun,Rohan,Ishaan,Kabir,Aditya,Rahul,Sanjay,Vikram,Abhimanyu,Dhruv,Karthik,Manoj,Nikhil,Pranav,Rushil,Suresh,Tejas,Yash",
            female:
                "Aadhya,Diya,Ananya,Saanvi,Kavya,Meera,Priya,Lakshmi,Sunita,Pooja,Gayathri,Ishita,Neha,Radha,Sushma,Tanvi,Uma,Vidya,Akhila,Zara",
            last:
                "Sharma,Patel,Singh,Kumar,Gupta,Reddy,Nair,Iyer,Das,Mukherjee,Chatterjee,Joshi,Kulkarni,Rao,Menon,Shetty,Bangera,Thampy,Jain,Prabhu,Chopra,Banerjee",
            streets:
                "MG Rd,Janpath,Lindsay St,Brigade Rd,Linking Rd,Park St,Anna Salai,Chandni Chowk,Tripolia Bazar,Hazratganj,Marine Drive,Residency Rd,Station Rd,Gandhi Nagar",
            cities:
                "Agra,Bhopal,Coimbatore,Dehradun,Erode,Faridabad,Guwahati,Hubli,Indore,Jaipur,Kochi,Ludhiana,Mysore,Nagpur,Patna,Ranchi,Surat,Udaipur",
            states:
                "Andhra Pradesh,Arunachal Pradesh,Assam,Bihar,Chhattisgarh,Goa,Gujarat,Haryana,Jharkhand,Karnataka,Kerala,Madhya Pradesh,Maharashtra,Manipur,Mizoram,Odisha,Punjab,Rajasthan,Sikkim,Tamil Nadu,Telangana,Uttarakhand,West Bengal",
            postcode: .number(10_000...99_998), phones: ["7#########", "8#########", "9#########"],
            cells: ["7#########", "8#########", "9#########"],
            identity: .uidai),
        Nation(
            "IR", "Iran",
            male: "آرش,امیر,بهرام,پارسا,حسین,رضا,سهیل,علی,فرهاد,کیان,مانی,محمد,مهدی,نیما,یاسین,آریا,ایلیا,سینا,دانیال,کامران",
            female: "آوا,الینا,باران,پریا,ثنا,دینا,رویا,زهرا,سارا,شیرین,فاطمه,کیمیا,مرسانا,مریم,نازنین,نیلوفر,هستی,یلدا,محیا,ستایش",
            last: "احمدی,اکبری,پارسا,جعفری,حسینی,رضایی,زارعی,سالاری,صادقی,طاهری,عباسی,قاسمی,کریمی,گلشن,محمدی,موسوی,نجاتی,هاشمی,یاسمی,رستمی",
            streets: "ولیعصر,آزادی,انقلاب اسلامی,جمهوری,شریعتی,فردوسی,خرمشهر,دستغیب,یادگار امام,پاسداران,میرداماد,سعدی,حافظ,شورا",
            cities: "آبادان,اراک,اصفهان,بجنورد,تبریز,تهران,خرم‌آباد,دزفول,رشت,زاهدان,ساری,شیراز,قم,کرمان,مشهد,نیشابور,همدان,یزد",
            states:
                "آذربایجان شرقی,اردبیل,اصفهان,البرز,ایلام,بوشهر,تهران,خراسان رضوی,خوزستان,زنجان,سمنان,سیستان و بلوچستان,فارس,قزوین,کردستان,کرمانشاه,گلستان,گیلان,لرستان,مازندران,هرمزگان",
            postcode: .number(10_000...99_998), phones: ["0##-########"], cells: ["09##-###-####"], identity: nil),
        Nation(
            "RS", "Serbia",
            male:
                "Стефан,Никола,Лука,Милош,Вељко,Ђорђе,Урош,Душан,Жељко,Бранислав,Дамјан,Митар,Атанасије,Огњен,Растко,Славко,Чедомир,Јован,Хаџи-Петар,Немања",
            female:
                "Милица,Јелена,Драгана,Љиљана,Тијана,Ана,Данка,Љубица,Живка,Снежана,Ивана,Катарина,Наташа,Софија,Теодора,Вишња,Ђурђа,Нађа,Андреа,Цвета",
            last:
                "Јовановић,Петровић,Николић,Марковић,Ђорђевић,Стојановић,Илић,Станковић,Павловић,Поповић,Живковић,Вучић,Зец,Љубичић,Ћирковић,Цветковић,Шарић,Грујић,Зеленовић,Селаковић",
            streets:
                "Кнез Михаилова,Булевар Краља Александра,Немањина,Змај Јовина,Нушићева,Школска,Таковска,Његошева,Ћирила и Методија,Душанова,Железничка,Војводе Мишића,Гружанска,Саве Ковачевића",
            cities:
                "Аранђеловац,Бечеј,Ваљево,Горњи Милановац,Зрењанин,Инђија,Крушевац,Лесковац,Мионица,Ниш,Пожега,Рашка,Сента,Суботица,Ужице,Чачак,Шид",
            states:
                "Београд,Борски,Браничевски,Зајечарски,Западнобачки,Златиборски,Јужнобачки,Колубарски,Мачвански,Моравички,Нишавски,Пиротски,Подунавски,Рашки,Севернобачки,Средњобанатски,Сремски,Шумадијски",
            postcode: .number(10_000...99_998), phones: ["0##-####-###"], cells: ["06#-####-###"], identity: .sid),
        Nation(
            "TR", "Turkey",
            male:
                "Mehmet,Mustafa,Ahmet,Yiğit,Çağan,Ömer,Şükrü,Görkem,İbrahim,Kerem,Oğuzhan,Tuğrul,Ümit,Barış,Necati,Efe,Doğan,Babür,Ege,Işık",
            female:
                "Fatma,Ayşe,Zeynep,Elif,Çiğdem,Gülşen,Kübra,Melike,Nalan,Özlem,Şebnem,Tuğba,Ümran,İpek,Yağmur,Defne,Nurdan,Işıl,Oya,Büşra",
            last:
                "Yılmaz,Kaya,Demir,Şahin,Çelik,Yıldız,Öztürk,Aydın,Özdemir,Arslan,Doğan,Kılıç,Çetin,Kara,Koç,Sözeri,Nebioğlu,Tokgöz,Başoğlu,Arıcan,Tekand,Günday",
            streets:
                "Atatürk Sk,İstiklal Cd,Bağdat Cd,Vatan Cd,Mevlana Cd,Tunalı Hilmi Cd,Fatih Sultan Mehmet Cd,Şehitler Cd,Necatibey Cd,Barbaros Blv,Kuğulu Sk,Çiçek Sk",
            cities:
                "Adana,Bursa,Çorum,Diyarbakır,Eskişehir,Gümüşhane,Iğdır,İzmir,Kars,Muğla,Ordu,Rize,Şanlıurfa,Tekirdağ,Uşak,Van,Yozgat,Zonguldak",
            states:
                "Afyonkarahisar,Ağrı,Ankara,Balıkesir,Bartın,Bingöl,Çanakkale,Düzce,Elâzığ,Giresun,Hatay,Isparta,İstanbul,Karabük,Kırşehir,Kütahya,Mardin,Nevşehir,Niğde,Siirt,Sivas,Trabzon",
            postcode: .number(10_000...99_998), phones: ["(###)-###-####"], cells: ["(###)-###-####"], identity: nil),
        Nation(
            "UA", "Ukraine",
            male:
                "Олександр,Андрій,Богдан,Тарас,Максим,Остап,Ігор,Сергій,Ярослав,Юрій,Мирон,Гордій,Захар,Євген,Назар,Павло,Роман,Степан,Ґедеон,Ілля",
            female:
                "Оксана,Марія,Соломія,Ганна,Катерина,Олена,Яніна,Юлія,Зоряна,Христина,Єлизавета,Дарина,Єва,Лариса,Магдалина,Наталія,Радослава,Стефанія,Уляна,Щедра",
            last:
                "Шевченко,Коваленко,Бондаренко,Ткаченко,Кравченко,Олійник,Мельник,Поліщук,Савченко,Гнатюк,Кузьменко,Павленко,Романюк,Троян,Федоренко,Харченко,Цимбалюк,Щербак,Юрченко,Яценко,Косач,Литвин",
            streets:
                "Хрещатик,вулиця Івана Франка,площа Ринок,вулиця Лесі Українки,проспект Свободи,вулиця Садова,вулиця Шкільна,бульвар Шевченка,вулиця Січових Стрільців,провулок Тихий,вулиця Ямська,набережна Дніпра",
            cities:
                "Бердичів,Вінниця,Галич,Дрогобич,Житомир,Ізмаїл,Кам’янець-Подільський,Коломия,Луцьк,Миргород,Ніжин,Одеса,Полтава,Рівне,Суми,Тернопіль,Ужгород,Черкаси",
            states:
                "Вінницька,Волинська,Дніпропетровська,Донецька,Житомирська,Закарпатська,Запорізька,Івано-Франківська,Київська,Кіровоградська,Львівська,Миколаївська,Одеська,Полтавська,Рівненська,Сумська,Тернопільська,Харківська,Херсонська,Хмельницька,Черкаська,Чернівецька,Чернігівська",
            postcode: .number(10_000...99_998), phones: ["(09#) @##-####", "(067) @##-####", "(068) @##-####"],
            cells: ["(09#) @##-####", "(066) @##-####", "(067) @##-####", "(068) @##-####"], identity: nil),
    ]
}
